//! Start, output, end.

use crate::house::{house, sh};
use engine::{Engine, ExitKind};


#[tokio::test(flavor = "multi_thread")]
async fn an_instance_speaks_ends_and_leaves_nothing() {
    let Some(house) = house("speaks") else { return };
    let one = sh("echo hello; echo problem >&2; printf unfinished; exit 3");
    let (kind, mut lines) = house.run(&one).await;
    lines.sort();
    assert_eq!(kind, ExitKind::Code { code: 3 });
    assert_eq!(lines, ["hello", "problem", "unfinished"]);
    house.engine.forget(&one.id).await.unwrap();
    assert_eq!(house.traces_until(&[]).await, Vec::<String>::new());
}
