//! Environment variable groups (sealed) and stacks.

use crate::ApiError;
use crate::model::stack::State;
use crate::model::time;
use crate::repo::list;
use crate::state::StackInfo;
use sea_query::{Expr, ExprTrait, IntoCondition, Order, Query};
use std::collections::BTreeMap;
use store::{FromRow, Row, Secret, Secrets, StoreError, Tx};

/// Variables of all apps while they run or are staged; an app's own win over them.
#[derive(Debug, Clone, Default)]
pub struct EnvironmentGroup {
    /// The variables.
    pub variables: BTreeMap<String, String>,
    /// Microseconds; none until it is set.
    pub updated_at: Option<i64>,
}

pub(crate) const PURPOSE: &str = "environment_variable_group.variables";

/// The group `running` or `staging`.
pub fn environment_group(tx: &mut Tx<'_>, secrets: &Secrets, name: &str) -> Result<EnvironmentGroup, ApiError> {
    let row: Option<Row> = tx.row(
        Query::select()
            .columns(["variables", "updated_at"])
            .from("environment_variable_group")
            .and_where(Expr::col("name").eq(name)),
    )?;
    let Some(row) = row else { return Ok(EnvironmentGroup::default()) };
    let sealed: String = row.get("variables")?;
    let plain = secrets.open_sealed(PURPOSE, name, &sealed).map_err(ApiError::internal)?;
    let variables = serde_json::from_str(plain.expose()).map_err(ApiError::internal)?;
    Ok(EnvironmentGroup { variables, updated_at: Some(row.get("updated_at")?) })
}

/// Writes a group.
pub fn environment_group_set(
    tx: &mut Tx<'_>,
    secrets: &Secrets,
    name: &str,
    variables: &BTreeMap<String, String>,
) -> Result<(), ApiError> {
    let sealed = secrets.seal(PURPOSE, name, &Secret::json(variables).map_err(ApiError::internal)?);
    tx.exec(Query::delete().from_table("environment_variable_group").and_where(Expr::col("name").eq(name)))?;
    tx.exec(
        Query::insert()
            .into_table("environment_variable_group")
            .columns(["name", "variables", "updated_at"])
            .values_panic([name.into(), sealed.into(), time::now().into()]),
    )?;
    Ok(())
}

/// A root file system for apps.
#[derive(Debug, Clone)]
pub struct Stack {
    /// UUID.
    pub guid: String,
    /// `host`, or as imported.
    pub name: String,
    /// For people.
    pub description: String,
    /// What apps get that ask for none.
    pub is_default: bool,
    /// What apps may do with it.
    pub state: State,
    /// Why, in an administrator's words.
    pub state_reason: Option<String>,
    /// Microseconds.
    pub created_at: i64,
    /// Microseconds.
    pub updated_at: i64,
}

/// Columns of [`Stack`].
pub const STACK_COLUMNS: [&str; 8] =
    ["guid", "name", "description", "is_default", "state", "state_reason", "created_at", "updated_at"];

/// Makes the table tell what the engine has: done at every start.
pub(super) fn stacks_sync(tx: &mut Tx<'_>, installed: &[StackInfo]) -> Result<(), StoreError> {
    let known: Vec<Stack> =
        tx.rows(Query::select().columns(STACK_COLUMNS).from("stack").order_by("name", Order::Asc))?;
    for gone in known.iter().filter(|stack| !installed.iter().any(|info| info.name == stack.name)) {
        list::delete(tx, "stack", &gone.guid)?;
    }
    for info in installed {
        let now = time::now();
        match known.iter().find(|stack| stack.name == info.name) {
            Some(stack) if stack.description == info.description && stack.is_default == info.default => {}
            Some(stack) => list::update(
                tx,
                "stack",
                &stack.guid,
                [
                    ("description", info.description.clone().into()),
                    ("is_default", i16::from(info.default).into()),
                    ("updated_at", now.into()),
                ],
            )?,
            None => {
                tx.exec(Query::insert().into_table("stack").columns(STACK_COLUMNS).values_panic([
                    super::new_guid().into(),
                    info.name.clone().into(),
                    info.description.clone().into(),
                    i16::from(info.default).into(),
                    State::Active.word().into(),
                    Option::<String>::None.into(),
                    now.into(),
                    now.into(),
                ]))?;
            }
        }
    }
    Ok(())
}

/// By guid.
pub fn stack_find(tx: &mut Tx<'_>, guid: &str) -> Result<Option<Stack>, StoreError> {
    tx.row(Query::select().columns(STACK_COLUMNS).from("stack").and_where(Expr::col("guid").eq(guid)))
}

/// Is there a stack of this name?
pub fn stack_exists(tx: &mut Tx<'_>, name: &str) -> Result<bool, StoreError> {
    list::exists(tx, "stack", Expr::col("name").eq(name).into_condition())
}

/// May an app use the stack `name`? Answers a warning, if there is one; 422 if it may not. `new`: it was never staged on it.
pub fn stack_judge(tx: &mut Tx<'_>, name: &str, new: bool) -> Result<Option<String>, ApiError> {
    let found: Option<Stack> =
        tx.row(Query::select().columns(STACK_COLUMNS).from("stack").and_where(Expr::col("name").eq(name)))?;
    // One that is no more installed is the engine's to refuse.
    let Some(stack) = found else { return Ok(None) };
    stack.state.judge(name, stack.state_reason.as_deref(), new).map_err(ApiError::unprocessable)
}

/// Sets the state of a stack.
pub fn stack_set_state(tx: &mut Tx<'_>, stack: &Stack) -> Result<(), StoreError> {
    let values = [
        ("state", stack.state.word().into()),
        ("state_reason", stack.state_reason.clone().into()),
        ("updated_at", stack.updated_at.into()),
    ];
    list::update(tx, "stack", &stack.guid, values)
}

impl FromRow for Stack {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            guid: row.get("guid")?,
            name: row.get("name")?,
            description: row.get("description")?,
            is_default: row.get("is_default")?,
            state: State::parse(&row.get::<String>("state")?).unwrap_or(State::Disabled),
            state_reason: row.get("state_reason")?,
            created_at: row.get("created_at")?,
            updated_at: row.get("updated_at")?,
        })
    }
}
