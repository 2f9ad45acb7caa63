//! The face's tables, one file a group. `apps/00…` are the platform's resources, `apps/01…` the apps' own.

mod app;
mod job;
mod place;
mod revision;
mod route;
mod setting;

use sea_query::ColumnDef;
use store::Migration;

/// The face's migrations, in order.
pub const MIGRATIONS: &[Migration] = &[
    Migration { name: "apps/0001-places", up: place::places },
    Migration { name: "apps/0002-jobs", up: job::jobs },
    Migration { name: "apps/0003-routes", up: route::routes },
    Migration { name: "apps/0004-settings", up: setting::settings },
    Migration { name: "apps/0005-stack-state", up: setting::stack_state },
    Migration { name: "apps/0101-app", up: app::app },
    Migration { name: "apps/0102-process", up: app::process },
    Migration { name: "apps/0103-package", up: app::package },
    Migration { name: "apps/0104-build", up: app::build },
    Migration { name: "apps/0105-droplet", up: app::droplet },
    Migration { name: "apps/0106-task", up: app::task },
    Migration { name: "apps/0107-deployment", up: app::deployment },
    Migration { name: "apps/0108-sidecars", up: revision::sidecars },
    Migration { name: "apps/0109-revisions", up: revision::revisions },
    Migration { name: "apps/0110-canary", up: revision::canary },
    Migration { name: "apps/0111-build-wait", up: app::build_wait },
];

/// A UUID as primary key.
pub(crate) fn guid_key() -> ColumnDef {
    let mut column = guid("guid");
    column.not_null().primary_key();
    column
}

/// A UUID column, nullable until told otherwise.
pub(crate) fn guid(name: &'static str) -> ColumnDef {
    let mut column = ColumnDef::new(name);
    column.string_len(36);
    column
}

/// A required name of at most 191 characters.
pub(crate) fn name(name: &'static str) -> ColumnDef {
    let mut column = ColumnDef::new(name);
    column.string_len(191).not_null();
    column
}

/// A required time or number.
pub(crate) fn number(name: &'static str) -> ColumnDef {
    let mut column = ColumnDef::new(name);
    column.big_integer().not_null();
    column
}

/// A required boolean.
pub(crate) fn flag(name: &'static str) -> ColumnDef {
    let mut column = ColumnDef::new(name);
    column.small_integer().not_null();
    column
}

/// A required text that is never queried inside (JSON, words).
pub(crate) fn text(name: &'static str) -> ColumnDef {
    let mut column = ColumnDef::new(name);
    column.text().not_null();
    column
}
