//! Feature flags.

use crate::ApiError;
use crate::error::Kind;
use crate::model::feature_flag::{self, Flag};
use crate::model::time;
use identity::Caller;
use sea_query::{Expr, ExprTrait, Query};
use store::{Row, StoreError, Tx};

/// A flag as it is set.
#[derive(Debug, Clone)]
pub struct FeatureFlag {
    /// Which.
    pub flag: &'static Flag,
    /// On?
    pub enabled: bool,
    /// What callers are told when it is off.
    pub custom_error_message: Option<String>,
    /// Microseconds; none while it has its default.
    pub updated_at: Option<i64>,
}

/// The flag of this name; `None` if there is none.
pub fn flag_find(tx: &mut Tx<'_>, name: &str) -> Result<Option<FeatureFlag>, StoreError> {
    let Some(flag) = feature_flag::find(name) else { return Ok(None) };
    let row: Option<Row> = tx.row(
        Query::select()
            .columns(["enabled", "custom_error_message", "updated_at"])
            .from("feature_flag")
            .and_where(Expr::col("name").eq(name)),
    )?;
    Ok(Some(match row {
        None => FeatureFlag { flag, enabled: flag.default, custom_error_message: None, updated_at: None },
        Some(row) => FeatureFlag {
            flag,
            enabled: row.get("enabled")?,
            custom_error_message: row.get("custom_error_message")?,
            updated_at: row.get("updated_at")?,
        },
    }))
}

/// Is the flag on? A name that is no flag is off.
pub fn enabled(tx: &mut Tx<'_>, name: &str) -> Result<bool, StoreError> {
    Ok(flag_find(tx, name)?.is_some_and(|flag| flag.enabled))
}

/// 403 `CF-FeatureDisabled` for all but administrators when the flag is off.
pub fn require(tx: &mut Tx<'_>, caller: &Caller, name: &str) -> Result<(), ApiError> {
    match flag_find(tx, name)? {
        Some(flag) if !flag.enabled && !caller.admin => {
            let why = flag.custom_error_message.unwrap_or_else(|| name.to_owned());
            Err(ApiError::new(Kind::FEATURE_DISABLED, format!("Feature Disabled: {why}")))
        }
        _ => Ok(()),
    }
}

/// Sets a flag.
pub fn flag_set(tx: &mut Tx<'_>, flag: &FeatureFlag) -> Result<(), StoreError> {
    let name = flag.flag.name;
    tx.exec(Query::delete().from_table("feature_flag").and_where(Expr::col("name").eq(name)))?;
    tx.exec(
        Query::insert()
            .into_table("feature_flag")
            .columns(["name", "enabled", "custom_error_message", "updated_at"])
            .values_panic([
                name.into(),
                i16::from(flag.enabled).into(),
                flag.custom_error_message.clone().into(),
                flag.updated_at.unwrap_or_else(time::now).into(),
            ]),
    )
    .map(|_| ())
}
