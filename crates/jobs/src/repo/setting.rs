//! Settings: a name and a JSON value each. Names with a dot in front are the platform's own.

use ledger::{Actor, Entry, Object};
use sea_query::{Expr, ExprTrait, Order, Query};
use serde_json::{Value, json};
use store::{Row, StoreError, Tx};

/// Stops changes and calls while it is `true`.
pub const MAINTENANCE: &str = "maintenance_mode";
/// Closes the log stream that the `racetrack` command follows while it is `false`.
pub const CLI_LOG_STREAM: &str = "cli_log_stream";
/// The key that signs tokens, sealed.
pub const AUTH_KEY: &str = ".auth_key";

/// The text that is kept under `name`.
pub fn text(tx: &mut Tx<'_>, name: &str) -> Result<Option<String>, StoreError> {
    tx.value(Query::select().column("value").from("job_setting").and_where(Expr::col("name").eq(name)))
}

/// Is `name` exactly `true`? Anything else, `1` and `"true"` too, is off.
pub fn is_on(tx: &mut Tx<'_>, name: &str) -> Result<bool, StoreError> {
    Ok(text(tx, name)?.is_some_and(|text| text.trim() == "true"))
}

/// The other way round: is `name` anything but `false`?
pub fn is_open(tx: &mut Tx<'_>, name: &str) -> Result<bool, StoreError> {
    Ok(text(tx, name)?.is_none_or(|text| text.trim() != "false"))
}

/// All settings that people see, by name.
pub fn all(tx: &mut Tx<'_>) -> Result<Vec<(String, Value)>, StoreError> {
    let rows: Vec<Row> =
        tx.rows(Query::select().columns(["name", "value"]).from("job_setting").order_by("name", Order::Asc))?;
    let mut all = Vec::new();
    for row in rows {
        let (name, text): (String, String) = (row.get("name")?, row.get("value")?);
        if !name.starts_with('.') {
            all.push((name, serde_json::from_str(&text).unwrap_or(Value::Null)));
        }
    }
    Ok(all)
}

/// Keeps a text under `name`, in place of what was there.
pub fn put(tx: &mut Tx<'_>, name: &str, text: &str) -> Result<(), StoreError> {
    let changed =
        tx.exec(Query::update().table("job_setting").value("value", text).and_where(Expr::col("name").eq(name)))?;
    if changed == 0 {
        tx.exec(
            Query::insert()
                .into_table("job_setting")
                .columns(["name", "value"])
                .values_panic([name.into(), text.into()]),
        )?;
    }
    Ok(())
}

/// Sets what people see.
pub fn set(tx: &mut Tx<'_>, actor: &Actor, name: &str, value: &Value) -> Result<(), StoreError> {
    let before = text(tx, name)?;
    put(tx, name, &value.to_string())?;
    let before: Value = before.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or(Value::Null);
    ledger::append(
        tx,
        &Entry {
            actor: actor.clone(),
            action: "job_setting.set".into(),
            object: Object::new("job_setting", name, name),
            scope: Vec::new(),
            data: json!({ "before": before, "after": value }),
        },
    )
    .map(|_| ())
}
