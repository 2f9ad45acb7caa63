//! The face's tables. All ids are numbers of our own sequences; people are known by their numbers (`identity::Person::number`),
//! without foreign keys, because who wrote a comment stays known when their account goes.

mod epic;
mod person;
mod project;
mod story;

use sea_query::{ColumnDef, ForeignKey, ForeignKeyAction, ForeignKeyCreateStatement};
use store::Migration;

/// The face's migrations.
pub const MIGRATIONS: &[Migration] = &[
    Migration { name: "tracker/0001-projects", up: project::projects },
    Migration { name: "tracker/0002-stories", up: story::stories },
    Migration { name: "tracker/0003-story-parts", up: story::parts },
    Migration { name: "tracker/0004-epics", up: epic::epics },
    Migration { name: "tracker/0005-people", up: person::people },
    Migration { name: "tracker/0006-comments", up: epic::comments },
];

fn number(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).big_integer().not_null().take()
}

fn optional_number(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).big_integer().take()
}

fn flag(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).small_integer().not_null().take()
}

fn word(name: &'static str, length: u32) -> ColumnDef {
    ColumnDef::new(name).string_len(length).not_null().take()
}

fn text(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).text().not_null().take()
}

fn optional_text(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).text().take()
}

fn belongs_to(table: &'static str, column: &'static str, parent: &'static str) -> ForeignKeyCreateStatement {
    ForeignKey::create()
        .name(format!("{table}_{column}_fk"))
        .from(table, column)
        .to(parent, "id")
        .on_delete(ForeignKeyAction::Cascade)
        .to_owned()
}
