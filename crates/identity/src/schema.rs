//! Identity's tables.

use sea_query::{
    ColumnDef, Expr, ExprTrait, ForeignKey, ForeignKeyAction, ForeignKeyCreateStatement, Index, Order, Query, Table,
};
use store::{Migration, Schema, StoreError};

/// Identity's migrations.
pub const MIGRATIONS: &[Migration] = &[
    Migration { name: "identity/0001-grants", up: grants },
    Migration { name: "identity/0002-people", up: people },
    Migration { name: "identity/0003-sessions", up: sessions },
    Migration { name: "identity/0004-keys", up: keys },
    Migration { name: "identity/0005-person-numbers", up: person_numbers },
    Migration { name: "identity/0006-links", up: links },
];

fn grants(schema: &mut Schema<'_, '_>) -> Result<(), StoreError> {
    schema.create_table(
        Table::create()
            .table("role_grant")
            .col(ColumnDef::new("id").string_len(36).not_null().primary_key())
            .col(ColumnDef::new("subject_kind").string_len(16).not_null())
            .col(ColumnDef::new("subject_id").string_len(64).not_null())
            .col(ColumnDef::new("role").string_len(64).not_null())
            .col(ColumnDef::new("place_kind").string_len(16).not_null())
            .col(ColumnDef::new("place_id").string_len(64).not_null())
            .col(ColumnDef::new("created_at").big_integer().not_null()),
    )?;
    schema.create_index(
        Index::create()
            .name("role_grant_once")
            .table("role_grant")
            .col("subject_kind")
            .col("subject_id")
            .col("role")
            .col("place_kind")
            .col("place_id")
            .unique(),
    )?;
    schema.create_index(Index::create().name("role_grant_place").table("role_grant").col("place_kind").col("place_id"))
}

fn people(schema: &mut Schema<'_, '_>) -> Result<(), StoreError> {
    schema.create_table(
        Table::create()
            .table("person")
            .col(ColumnDef::new("id").string_len(36).not_null().primary_key())
            .col(ColumnDef::new("user_name").string_len(191).not_null())
            // Lower case: names and addresses are unique whatever their case, on databases of any collation.
            .col(ColumnDef::new("user_name_key").string_len(191).not_null())
            .col(ColumnDef::new("email").string_len(191))
            .col(ColumnDef::new("email_key").string_len(191))
            .col(ColumnDef::new("display_name").string_len(191).not_null())
            .col(ColumnDef::new("state").string_len(16).not_null())
            // argon2id in PHC form; NULL: cannot sign in with a password.
            .col(ColumnDef::new("password_hash").string_len(255))
            .col(ColumnDef::new("origin").string_len(64).not_null())
            .col(ColumnDef::new("created_at").big_integer().not_null())
            .col(ColumnDef::new("updated_at").big_integer().not_null()),
    )?;
    schema.create_index(Index::create().name("person_user_name").table("person").col("user_name_key").unique())?;
    schema.create_index(Index::create().name("person_email").table("person").col("email_key").unique())?;
    schema.create_table(
        Table::create()
            .table("uaa_client")
            .col(ColumnDef::new("id").string_len(64).not_null().primary_key())
            // argon2id in PHC form; NULL: a public client, whose secret is empty.
            .col(ColumnDef::new("secret_hash").string_len(255))
            .col(ColumnDef::new("grant_types").string_len(191).not_null())
            .col(ColumnDef::new("authorities").text().not_null())
            .col(ColumnDef::new("created_at").big_integer().not_null()),
    )?;
    // The two clients that every Cloud Foundry client knows by name. Re-runnable, as MySQL commits each statement.
    let now = jiff::Timestamp::now().as_microsecond();
    let tx = schema.tx();
    tx.exec(Query::delete().from_table("uaa_client"))?;
    for (id, grant_types) in [("cf", "password refresh_token"), ("ssh-proxy", "authorization_code")] {
        tx.exec(
            Query::insert()
                .into_table("uaa_client")
                .columns(["id", "grant_types", "authorities", "created_at"])
                .values_panic([id.into(), grant_types.into(), "uaa.none".into(), now.into()]),
        )?;
    }
    Ok(())
}

fn sessions(schema: &mut Schema<'_, '_>) -> Result<(), StoreError> {
    schema.create_table(
        Table::create()
            .table("session")
            .col(ColumnDef::new("id").string_len(36).not_null().primary_key())
            // `page`: a cookie; `token`: a refresh token and its access tokens; `client`: one access token of a client.
            .col(ColumnDef::new("kind").string_len(16).not_null())
            .col(ColumnDef::new("person_id").string_len(36))
            .col(ColumnDef::new("client_id").string_len(64))
            // SHA-256 of the cookie or the refresh token, hex.
            .col(ColumnDef::new("secret_hash").string_len(64))
            .col(ColumnDef::new("agent").string_len(191).not_null())
            .col(ColumnDef::new("address").string_len(64).not_null())
            .col(ColumnDef::new("created_at").big_integer().not_null())
            .col(ColumnDef::new("last_used_at").big_integer().not_null())
            .col(ColumnDef::new("expires_at").big_integer().not_null())
            .foreign_key(&mut belongs_to("session", "person_id", "person"))
            .foreign_key(&mut belongs_to("session", "client_id", "uaa_client")),
    )?;
    schema.create_index(Index::create().name("session_secret").table("session").col("secret_hash").unique())?;
    schema.create_index(Index::create().name("session_person").table("session").col("person_id"))?;
    schema.create_index(Index::create().name("session_expiry").table("session").col("expires_at"))?;
    schema.create_table(
        Table::create()
            .table("api_token")
            .col(ColumnDef::new("id").string_len(36).not_null().primary_key())
            .col(ColumnDef::new("person_id").string_len(36).not_null())
            .col(ColumnDef::new("name").string_len(191).not_null())
            // Its first characters, for people to tell tokens apart.
            .col(ColumnDef::new("prefix").string_len(16).not_null())
            .col(ColumnDef::new("secret_hash").string_len(64).not_null())
            .col(ColumnDef::new("created_at").big_integer().not_null())
            .col(ColumnDef::new("last_used_at").big_integer())
            .col(ColumnDef::new("expires_at").big_integer())
            .foreign_key(&mut belongs_to("api_token", "person_id", "person")),
    )?;
    schema.create_index(Index::create().name("api_token_secret").table("api_token").col("secret_hash").unique())?;
    schema.create_index(Index::create().name("api_token_person").table("api_token").col("person_id"))?;
    schema.create_table(
        Table::create()
            .table("auth_code")
            .col(ColumnDef::new("code_hash").string_len(64).not_null().primary_key())
            .col(ColumnDef::new("client_id").string_len(64).not_null())
            .col(ColumnDef::new("person_id").string_len(36).not_null())
            .col(ColumnDef::new("expires_at").big_integer().not_null())
            .foreign_key(&mut belongs_to("auth_code", "client_id", "uaa_client"))
            .foreign_key(&mut belongs_to("auth_code", "person_id", "person")),
    )
}

fn keys(schema: &mut Schema<'_, '_>) -> Result<(), StoreError> {
    schema.create_table(
        Table::create()
            .table("signing_key")
            // One key a purpose; whoever inserts first wins when two processes boot at once.
            .col(ColumnDef::new("purpose").string_len(64).not_null().primary_key())
            .col(ColumnDef::new("kid").string_len(64).not_null())
            // PKCS#8 DER under the master key, base64.
            .col(ColumnDef::new("sealed").text().not_null())
            .col(ColumnDef::new("created_at").big_integer().not_null()),
    )?;
    schema.create_table(
        Table::create()
            .table("login_backoff")
            .col(ColumnDef::new("id").string_len(64).not_null().primary_key())
            .col(ColumnDef::new("failures").big_integer().not_null())
            .col(ColumnDef::new("blocked_until").big_integer().not_null())
            .col(ColumnDef::new("updated_at").big_integer().not_null()),
    )?;
    schema.create_index(Index::create().name("login_backoff_age").table("login_backoff").col("updated_at"))?;
    schema.create_table(
        Table::create()
            .table("setup_link")
            // Always 1: a new link replaces the old one.
            .col(ColumnDef::new("id").big_integer().not_null().primary_key())
            .col(ColumnDef::new("token_hash").string_len(64).not_null())
            .col(ColumnDef::new("created_at").big_integer().not_null()),
    )
}

/// People are also known by small integers, to APIs whose ids are such. NULL only while an older process still writes.
fn person_numbers(schema: &mut Schema<'_, '_>) -> Result<(), StoreError> {
    schema.add_column("person", ColumnDef::new("number").big_integer())?;
    schema.create_index(Index::create().name("person_number").table("person").col("number").unique())?;
    schema.create_sequence("person")?;
    let tx = schema.tx();
    let without: Vec<store::Row> = tx.rows(
        Query::select()
            .column("id")
            .from("person")
            .and_where(Expr::col("number").is_null())
            .order_by("created_at", Order::Asc)
            .order_by("id", Order::Asc),
    )?;
    for row in without {
        let (id, number): (String, i64) = (row.at(0)?, tx.next_number("person")?);
        tx.exec(Query::update().table("person").value("number", number).and_where(Expr::col("id").eq(id)))?;
    }
    Ok(())
}

/// Settings, and links that are good once: to a new password, and to an account.
fn links(schema: &mut Schema<'_, '_>) -> Result<(), StoreError> {
    schema.create_table(
        Table::create()
            .table("identity_setting")
            .col(ColumnDef::new("name").string_len(64).not_null().primary_key())
            .col(ColumnDef::new("value").string_len(191).not_null()),
    )?;
    schema.create_table(
        Table::create()
            .table("password_link")
            // One a person: a new link replaces the old one.
            .col(ColumnDef::new("person_id").string_len(36).not_null().primary_key())
            .col(ColumnDef::new("token_hash").string_len(64).not_null())
            .col(ColumnDef::new("created_at").big_integer().not_null())
            .col(ColumnDef::new("expires_at").big_integer().not_null())
            .foreign_key(&mut belongs_to("password_link", "person_id", "person")),
    )?;
    schema
        .create_index(Index::create().name("password_link_token").table("password_link").col("token_hash").unique())?;
    schema.create_table(
        Table::create()
            .table("invitation")
            .col(ColumnDef::new("id").string_len(36).not_null().primary_key())
            .col(ColumnDef::new("email").string_len(191))
            .col(ColumnDef::new("invited_by").string_len(191).not_null())
            .col(ColumnDef::new("token_hash").string_len(64).not_null())
            .col(ColumnDef::new("created_at").big_integer().not_null())
            .col(ColumnDef::new("expires_at").big_integer().not_null()),
    )?;
    schema.create_index(Index::create().name("invitation_token").table("invitation").col("token_hash").unique())
}

fn belongs_to(table: &'static str, column: &'static str, parent: &'static str) -> ForeignKeyCreateStatement {
    ForeignKey::create()
        .name(format!("{table}_{column}_fk"))
        .from(table, column)
        .to(parent, "id")
        .on_delete(ForeignKeyAction::Cascade)
        .to_owned()
}
