//! Domains, routes and their destinations.

use super::{guid, guid_key, name, number, text};
use sea_query::{ColumnDef, ForeignKey, ForeignKeyAction, Index, Table};
use store::{Schema, StoreError};

pub(super) fn routes(schema: &mut Schema<'_, '_>) -> Result<(), StoreError> {
    schema.create_table(
        Table::create()
            .table("domain")
            .col(guid_key())
            .col(name("name"))
            // NULL: shared by all organizations.
            .col(guid("organization_guid"))
            .col(number("created_at"))
            .col(number("updated_at"))
            .foreign_key(ForeignKey::create().from("domain", "organization_guid").to("organization", "guid")),
    )?;
    schema.create_index(Index::create().name("domain_name").table("domain").col("name").unique())?;
    schema.create_table(
        Table::create()
            .table("domain_share")
            .col(guid("domain_guid").not_null())
            .col(guid("organization_guid").not_null())
            .primary_key(Index::create().col("domain_guid").col("organization_guid"))
            .foreign_key(&mut cascade("domain_share", "domain_guid", "domain"))
            .foreign_key(&mut cascade("domain_share", "organization_guid", "organization")),
    )?;
    schema.create_table(
        Table::create()
            .table("route")
            .col(guid_key())
            .col(guid("space_guid").not_null())
            .col(guid("domain_guid").not_null())
            // Lower case; empty for the domain itself; `*` for all hosts.
            .col(ColumnDef::new("host").string_len(63).not_null())
            // Empty, or `/prefix` without a slash at its end.
            .col(ColumnDef::new("path").string_len(128).not_null())
            .col(text("options"))
            .col(number("created_at"))
            .col(number("updated_at"))
            .foreign_key(ForeignKey::create().from("route", "space_guid").to("space", "guid"))
            .foreign_key(ForeignKey::create().from("route", "domain_guid").to("domain", "guid")),
    )?;
    schema.create_index(
        Index::create().name("route_address").table("route").col("domain_guid").col("host").col("path").unique(),
    )?;
    schema.create_index(Index::create().name("route_space").table("route").col("space_guid").col("created_at"))?;
    schema.create_table(
        Table::create()
            .table("route_share")
            .col(guid("route_guid").not_null())
            .col(guid("space_guid").not_null())
            .primary_key(Index::create().col("route_guid").col("space_guid"))
            .foreign_key(&mut cascade("route_share", "route_guid", "route"))
            .foreign_key(&mut cascade("route_share", "space_guid", "space")),
    )?;
    // No foreign key to the app: whoever removes an app removes its destinations and says so in the ledger.
    schema.create_table(
        Table::create()
            .table("route_destination")
            .col(guid_key())
            .col(guid("route_guid").not_null())
            .col(guid("app_guid").not_null())
            .col(ColumnDef::new("process_type").string_len(64).not_null())
            // NULL: the app's first port.
            .col(ColumnDef::new("port").integer())
            .col(ColumnDef::new("protocol").string_len(8).not_null())
            .col(ColumnDef::new("weight").integer())
            .col(number("created_at"))
            .col(number("updated_at"))
            .foreign_key(&mut cascade("route_destination", "route_guid", "route")),
    )?;
    schema
        .create_index(Index::create().name("route_destination_route").table("route_destination").col("route_guid"))?;
    schema.create_index(Index::create().name("route_destination_app").table("route_destination").col("app_guid"))
}

fn cascade(table: &'static str, column: &'static str, to: &'static str) -> sea_query::ForeignKeyCreateStatement {
    ForeignKey::create().from(table, column).to(to, "guid").on_delete(ForeignKeyAction::Cascade).take()
}
