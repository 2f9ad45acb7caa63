//! The face's tables. `job` is the Cloud Foundry face's word for something else, so a job's row is `job_version`.

use sea_query::{ColumnDef, ForeignKey, ForeignKeyAction, ForeignKeyCreateStatement, Index, Table};
use store::{Migration, Schema, StoreError};

/// The face's migrations, in order.
pub const MIGRATIONS: &[Migration] = &[
    Migration { name: "jobs/0001-jobs", up: jobs },
    Migration { name: "jobs/0002-callers", up: callers },
    Migration { name: "jobs/0003-settings", up: settings },
    Migration { name: "jobs/0004-async-calls", up: async_calls },
    Migration { name: "jobs/0005-source-version", up: source_version },
];

fn jobs(schema: &mut Schema<'_, '_>) -> Result<(), StoreError> {
    schema
        .create_table(Table::create().table("job_family").col(key("id")).col(name("name")).col(number("created_at")))?;
    schema.create_index(Index::create().name("job_family_name").table("job_family").col("name").unique())?;
    schema.create_table(
        Table::create()
            .table("job_version")
            .col(key("id"))
            .col(guid("family_id").not_null())
            .col(name("version"))
            // starting, running, error, lost
            .col(word("status").not_null())
            .col(number("create_time"))
            .col(number("update_time"))
            .col(text("manifest").not_null())
            .col(text("manifest_yaml").not_null())
            .col(text("error"))
            .col(text("notice"))
            .col(ColumnDef::new("image_tag").string_len(191))
            .col(ColumnDef::new("deployed_by").string_len(191))
            .col(ColumnDef::new("last_call_time").big_integer())
            .col(ColumnDef::new("infrastructure_target").string_len(191))
            .col(name("job_type_version"))
            // The one that serves; NULL before the first is ready.
            .col(guid("deployment_id"))
            .foreign_key(&mut cascade("job_version", "family_id", "job_family")),
    )?;
    schema.create_index(
        Index::create().name("job_version_name").table("job_version").col("family_id").col("version").unique(),
    )?;
    schema.create_table(
        Table::create()
            .table("job_deployment")
            .col(key("id"))
            // deploy, redeploy, reprovision, build
            .col(word("kind").not_null())
            // in_progress, done, failed
            .col(word("status").not_null())
            .col(number("create_time"))
            .col(number("update_time"))
            .col(text("manifest").not_null())
            .col(text("manifest_yaml").not_null())
            .col(text("error"))
            .col(name("job_name"))
            .col(name("job_version"))
            .col(ColumnDef::new("deployed_by").string_len(191))
            .col(guid("deployed_by_id"))
            .col(ColumnDef::new("phase").string_len(191))
            .col(ColumnDef::new("image_name").string_len(255))
            .col(ColumnDef::new("infrastructure_target").string_len(191))
            .col(text("warnings"))
            .col(name("job_type_version"))
            .col(flag("forced"))
            .col(flag("fresh"))
            // Blob of the client's files; NULL: from git.
            .col(ColumnDef::new("context").string_len(64))
            // Blobs of what was built: the runner's layer, then the job's.
            .col(ColumnDef::new("layers").string_len(191))
            // Sealed: git credentials, secret variables.
            .col(text("secrets"))
            // Sealed: the family's token that the job calls others with.
            .col(text("token"))
            // Seconds since 1970, as the job tells it back.
            .col(number("stamp"))
            .col(number("attempts")),
    )?;
    schema.create_index(
        Index::create()
            .name("job_deployment_job")
            .table("job_deployment")
            .col("job_name")
            .col("job_version")
            .col("create_time"),
    )?;
    schema.create_index(Index::create().name("job_deployment_time").table("job_deployment").col("update_time"))?;
    schema.create_index(Index::create().name("job_deployment_status").table("job_deployment").col("status"))?;
    schema.create_table(
        Table::create()
            .table("job_public_endpoint")
            .col(key("id"))
            .col(guid("job_id").not_null())
            .col(name("endpoint"))
            .col(flag("active"))
            .foreign_key(&mut cascade("job_public_endpoint", "job_id", "job_version")),
    )?;
    schema.create_index(
        Index::create()
            .name("job_public_endpoint_path")
            .table("job_public_endpoint")
            .col("job_id")
            .col("endpoint")
            .unique(),
    )?;
    schema.create_table(
        Table::create()
            .table("job_trash")
            .col(key("id"))
            .col(name("name"))
            .col(name("version"))
            .col(word("status").not_null())
            .col(number("create_time"))
            .col(number("update_time"))
            .col(number("delete_time"))
            .col(text("manifest_yaml").not_null())
            .col(text("error"))
            .col(ColumnDef::new("image_tag").string_len(191))
            .col(ColumnDef::new("deployed_by").string_len(191))
            .col(ColumnDef::new("last_call_time").big_integer())
            .col(ColumnDef::new("infrastructure_target").string_len(191)),
    )?;
    schema.create_index(Index::create().name("job_trash_job").table("job_trash").col("name").col("version"))
}

fn callers(schema: &mut Schema<'_, '_>) -> Result<(), StoreError> {
    schema.create_table(
        Table::create().table("job_consumer").col(key("id")).col(name("name")).col(number("created_at")),
    )?;
    schema.create_table(
        Table::create()
            .table("job_token")
            .col(key("id"))
            // person, consumer, family, client
            .col(word("subject_kind").not_null())
            .col(name("subject_id"))
            // SHA-256, hex.
            .col(ColumnDef::new("hash").string_len(64).not_null())
            // What it was made for: login, page, caller, job, service.
            .col(word("purpose").not_null())
            // Its last characters, for people to tell tokens apart.
            .col(word("hint").not_null())
            .col(number("created_at"))
            .col(ColumnDef::new("expires_at").big_integer())
            .col(flag("active"))
            .col(ColumnDef::new("last_used_at").big_integer()),
    )?;
    schema.create_index(Index::create().name("job_token_hash").table("job_token").col("hash").unique())?;
    schema.create_index(
        Index::create().name("job_token_subject").table("job_token").col("subject_kind").col("subject_id"),
    )?;
    // What a permission that names a path holds for; a grant's place is `endpoint ID`.
    schema.create_table(
        Table::create()
            .table("job_endpoint")
            .col(key("id"))
            .col(guid("family_id"))
            .col(guid("job_id"))
            .col(name("path")),
    )
}

fn settings(schema: &mut Schema<'_, '_>) -> Result<(), StoreError> {
    schema.create_table(
        Table::create()
            .table("job_setting")
            .col(ColumnDef::new("name").string_len(191).not_null().primary_key())
            // JSON, or sealed for names that begin with a dot.
            .col(text("value").not_null()),
    )
}

fn async_calls(schema: &mut Schema<'_, '_>) -> Result<(), StoreError> {
    let bytes = |name: &'static str| {
        let mut column = ColumnDef::new(name);
        column.blob().not_null();
        column
    };
    schema.create_table(
        Table::create()
            .table("job_async_call")
            .col(key("id"))
            // ongoing, completed, failed
            .col(word("status").not_null())
            .col(number("started_at"))
            .col(ColumnDef::new("ended_at").big_integer())
            .col(text("error"))
            // No foreign key: a call outlives its job.
            .col(guid("job_id").not_null())
            .col(name("job_name"))
            .col(name("job_version"))
            .col(text("job_path").not_null())
            .col(word("request_method").not_null())
            .col(text("request_url").not_null())
            .col(text("request_headers").not_null())
            .col(bytes("request_body"))
            .col(ColumnDef::new("response_status_code").big_integer())
            .col(text("response_headers").not_null())
            .col(bytes("response_body"))
            .col(number("attempts"))
            .col(word("caller_kind").not_null())
            .col(name("caller_id"))
            .col(name("address"))
            .col(ColumnDef::new("read_at").big_integer()),
    )?;
    schema.create_index(Index::create().name("job_async_call_status").table("job_async_call").col("status"))
}

fn source_version(schema: &mut Schema<'_, '_>) -> Result<(), StoreError> {
    schema.add_column("job_deployment", ColumnDef::new("source_version").string_len(191))
}

fn key(name: &'static str) -> ColumnDef {
    let mut column = guid(name);
    column.not_null().primary_key();
    column
}

fn guid(name: &'static str) -> ColumnDef {
    let mut column = ColumnDef::new(name);
    column.string_len(36);
    column
}

fn name(name: &'static str) -> ColumnDef {
    let mut column = ColumnDef::new(name);
    column.string_len(191).not_null();
    column
}

fn word(name: &'static str) -> ColumnDef {
    let mut column = ColumnDef::new(name);
    column.string_len(32);
    column
}

fn number(name: &'static str) -> ColumnDef {
    let mut column = ColumnDef::new(name);
    column.big_integer().not_null();
    column
}

fn flag(name: &'static str) -> ColumnDef {
    let mut column = ColumnDef::new(name);
    column.small_integer().not_null();
    column
}

fn text(name: &'static str) -> ColumnDef {
    let mut column = ColumnDef::new(name);
    column.text();
    column
}

fn cascade(table: &'static str, column: &'static str, to: &'static str) -> ForeignKeyCreateStatement {
    ForeignKey::create().from(table, column).to(to, "id").on_delete(ForeignKeyAction::Cascade).take()
}
