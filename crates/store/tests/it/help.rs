use sea_query::{ColumnDef, Expr, ExprTrait, ForeignKey, Index, Query, Table};
use store::{Db, Migration, Schema, StoreError, Tx};

pub const MIGRATIONS: &[Migration] = &[Migration { name: "test/0001-things", up: things }];

fn things(schema: &mut Schema<'_, '_>) -> Result<(), StoreError> {
    schema.create_table(
        Table::create()
            .table("thing")
            .col(ColumnDef::new("id").big_integer().not_null().primary_key())
            .col(ColumnDef::new("name").string_len(191).not_null())
            .col(ColumnDef::new("flag").small_integer())
            .col(ColumnDef::new("count").integer())
            .col(ColumnDef::new("ratio").double())
            .col(ColumnDef::new("text").text())
            .col(ColumnDef::new("bytes").blob()),
    )?;
    schema.create_index(Index::create().name("thing_name").table("thing").col("name").unique())?;
    schema.create_table(
        Table::create()
            .table("part")
            .col(ColumnDef::new("id").big_integer().not_null().primary_key())
            .col(ColumnDef::new("thing").big_integer().not_null())
            .foreign_key(ForeignKey::create().name("part_thing").from("part", "thing").to("thing", "id")),
    )
}

pub fn insert(tx: &mut Tx<'_>, id: i64, name: &str) -> Result<(), StoreError> {
    tx.exec(Query::insert().into_table("thing").columns(["id", "name"]).values_panic([id.into(), name.into()]))
        .map(drop)
}

pub async fn put(db: &Db, id: i64, name: &str) -> Result<(), StoreError> {
    let name = name.to_owned();
    db.write(move |tx| insert(tx, id, &name)).await
}

pub fn ids(tx: &mut Tx<'_>) -> Result<Vec<i64>, StoreError> {
    let rows: Vec<store::Row> =
        tx.rows(Query::select().column("id").from("thing").order_by("id", sea_query::Order::Asc))?;
    rows.iter().map(|row| row.get("id")).collect()
}

pub async fn all_ids(db: &Db) -> Vec<i64> {
    db.read(ids).await.unwrap()
}

pub fn part(tx: &mut Tx<'_>, thing: i64) -> Result<(), StoreError> {
    tx.exec(Query::insert().into_table("part").columns(["id", "thing"]).values_panic([1.into(), thing.into()]))
        .map(drop)
}

pub fn count_of(tx: &mut Tx<'_>, id: i64) -> Result<i64, StoreError> {
    let count = tx.value(Query::select().column("count").from("thing").and_where(Expr::col("id").eq(id)))?;
    Ok(count.flatten().unwrap_or(0))
}
