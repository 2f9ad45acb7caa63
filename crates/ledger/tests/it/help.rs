use ledger::{Entry, Ledger, Object, Record};
use serde_json::json;
use store::Db;

pub fn entry(action: &str, object: &str, scope: &[&str]) -> Entry {
    Entry {
        actor: Object::new("person", "p1", "Ada"),
        action: action.into(),
        object: Object::new("app", object, format!("name of {object}")),
        scope: scope.iter().map(|scope| scope.to_string()).collect(),
        data: json!({ "after": { "name": object, "ratio": 0.1 } }),
    }
}

pub async fn append(db: &Db, entry: Entry) -> Record {
    db.write(move |tx| ledger::append(tx, &entry)).await.unwrap()
}

/// Seals as a running server does, until the test ends; answers when all that is appended so far is sealed.
pub async fn sealed(db: &Db, entries: i64) -> Ledger {
    let ledger = Ledger::new(db.clone());
    let sealer = ledger.clone();
    tokio::spawn(async move { sealer.run_sealer(std::future::pending()).await });
    while ledger.head().await.unwrap() < entries {
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
    ledger
}
