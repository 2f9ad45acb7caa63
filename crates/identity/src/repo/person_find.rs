//! Lists of people with filters, a page at a time (`GET /v3/users`, SCIM).

use crate::model::name;
use crate::model::scim::{Attribute, Filter, Operator};
use crate::repo::administrator::ADMINISTRATOR;
use crate::repo::person::{Person, PersonState, select};
use sea_query::{Cond, Expr, ExprTrait, Func, LikeExpr, Order, Query};
use store::{StoreError, Tx};

/// How a list of people is ordered. Equal ones by guid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PersonOrder {
    /// Oldest first.
    #[default]
    CreatedAt,
    /// Newest first.
    CreatedAtDescending,
    /// Least recently changed first.
    UpdatedAt,
    /// Most recently changed first.
    UpdatedAtDescending,
    /// By user name.
    UserName,
}

/// Which people. `None` does not filter; an empty list matches nobody.
#[derive(Debug, Clone, Default)]
pub struct PersonFilter {
    /// Any of these guids.
    pub guids: Option<Vec<String>>,
    /// Any of these user names, whatever their case.
    pub user_names: Option<Vec<String>>,
    /// A user name that contains any of these, whatever the case.
    pub partial_user_names: Option<Vec<String>>,
    /// All of these words, each somewhere in user name, address or display name, whatever the case.
    pub words: Vec<String>,
    /// Any of these states.
    pub states: Option<Vec<PersonState>>,
    /// Only administrators of the platform, or only others.
    pub administrators: Option<bool>,
    /// Any of these origins.
    pub origins: Option<Vec<String>>,
    /// In which order.
    pub order: PersonOrder,
    /// People to skip.
    pub offset: u64,
    /// People to answer at most; 0: all.
    pub limit: u64,
}

/// The people that `filter` finds on its page, and how many it finds in all.
pub fn person_find(tx: &mut Tx<'_>, filter: &PersonFilter) -> Result<(Vec<Person>, u64), StoreError> {
    let mut condition = Cond::all();
    if let Some(guids) = &filter.guids {
        condition = condition.add(Expr::col("id").is_in(guids.iter().cloned()));
    }
    if let Some(names) = &filter.user_names {
        condition = condition.add(Expr::col("user_name_key").is_in(names.iter().map(|given| name::key(given))));
    }
    if let Some(parts) = &filter.partial_user_names {
        // An empty `any` would not filter at all.
        let mut any = Cond::any().add(Expr::val(1).eq(0));
        for part in parts {
            any = any.add(Expr::col("user_name_key").like(like("%", &name::key(part), "%")));
        }
        condition = condition.add(any);
    }
    if let Some(origins) = &filter.origins {
        condition = condition.add(Expr::col("origin").is_in(origins.iter().cloned()));
    }
    for word in &filter.words {
        condition = condition.add(has_word(word));
    }
    if let Some(states) = &filter.states {
        condition = condition.add(Expr::col("state").is_in(states.iter().map(|state| state.as_str())));
    }
    if let Some(wanted) = filter.administrators {
        let administrators = Query::select()
            .column("subject_id")
            .from("role_grant")
            .and_where(Expr::col("subject_kind").eq("person"))
            .and_where(Expr::col("role").eq(ADMINISTRATOR))
            .and_where(Expr::col("place_kind").eq("platform"))
            .to_owned();
        let id = Expr::col("id");
        condition =
            condition.add(if wanted { id.in_subquery(administrators) } else { id.not_in_subquery(administrators) });
    }
    page(tx, condition, filter.order, filter.offset, filter.limit)
}

/// Is `word` somewhere in a person's names or address?
pub(crate) fn has_word(word: &str) -> Cond {
    let pattern = || like("%", &name::key(word), "%");
    Cond::any()
        .add(Expr::col("user_name_key").like(pattern()))
        .add(Expr::col("email_key").like(pattern()))
        .add(Expr::expr(Func::lower(Expr::col("display_name"))).like(pattern()))
}

/// As [`person_find`], by a SCIM filter.
pub(crate) fn person_scim(
    tx: &mut Tx<'_>,
    filter: Option<&Filter>,
    offset: u64,
    limit: u64,
) -> Result<(Vec<Person>, u64), StoreError> {
    page(tx, filter.map_or_else(Cond::all, condition), PersonOrder::CreatedAt, offset, limit)
}

fn page(
    tx: &mut Tx<'_>,
    condition: Cond,
    order: PersonOrder,
    offset: u64,
    limit: u64,
) -> Result<(Vec<Person>, u64), StoreError> {
    let count =
        Query::select().expr(Func::count(Expr::col("id"))).from("person").cond_where(condition.clone()).to_owned();
    let total = tx.value::<u64>(&count)?.unwrap_or(0);
    let (column, direction) = match order {
        PersonOrder::CreatedAt => ("created_at", Order::Asc),
        PersonOrder::CreatedAtDescending => ("created_at", Order::Desc),
        PersonOrder::UpdatedAt => ("updated_at", Order::Asc),
        PersonOrder::UpdatedAtDescending => ("updated_at", Order::Desc),
        PersonOrder::UserName => ("user_name_key", Order::Asc),
    };
    let mut rows = select();
    rows.cond_where(condition).order_by(column, direction.clone()).order_by("id", direction);
    if limit > 0 {
        rows.limit(limit).offset(offset);
    }
    Ok((tx.rows(&rows)?, total))
}

fn condition(filter: &Filter) -> Cond {
    match filter {
        Filter::And(parts) => parts.iter().fold(Cond::all(), |all, part| all.add(condition(part))),
        Filter::Or(parts) => parts.iter().fold(Cond::any(), |any, part| any.add(condition(part))),
        Filter::Compare { attribute, operator, value } => {
            let (column, value) = match attribute {
                Attribute::Id => ("id", value.clone()),
                Attribute::UserName => ("user_name_key", name::key(value)),
                Attribute::Email => ("email_key", name::key(value)),
                Attribute::Origin => ("origin", value.clone()),
            };
            let column = Expr::col(column);
            Cond::all().add(match operator {
                Operator::Equal => column.eq(value),
                Operator::Contains => column.like(like("%", &value, "%")),
                Operator::StartsWith => column.like(like("", &value, "%")),
            })
        }
    }
}

/// `!` escapes, because a backslash is read differently in the literals of the three databases.
pub(crate) fn like(before: &str, text: &str, after: &str) -> LikeExpr {
    let escaped = text.replace('!', "!!").replace('%', "!%").replace('_', "!_");
    LikeExpr::new(format!("{before}{escaped}{after}")).escape('!')
}
