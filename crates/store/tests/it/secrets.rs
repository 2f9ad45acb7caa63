use std::os::unix::fs::PermissionsExt;
use store::{Secret, SecretError, Secrets};

#[test]
fn a_sealed_secret_opens_for_its_purpose_and_row_only() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("master.key");
    let secrets = Secrets::open(&path).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let plain = Secret::from("pa55 wörd");
    let sealed = secrets.seal("service.credentials", "17", &plain);
    assert!(!sealed.contains("pa55") && sealed != secrets.seal("service.credentials", "17", &plain));

    let again = Secrets::open(&path).unwrap();
    assert_eq!(again.open_sealed("service.credentials", "17", &sealed).unwrap(), plain);
    for (purpose, row) in [("service.credentials", "18"), ("service.credential", "s17"), ("service.credentials1", "7")]
    {
        assert!(
            matches!(again.open_sealed(purpose, row, &sealed), Err(SecretError::Damaged { .. })),
            "{purpose} {row}"
        );
    }
    // No single altered character goes unnoticed; at the very end base64 has unused bits, which must be zero.
    for index in 0..sealed.len() {
        let mut altered = sealed.clone().into_bytes();
        altered[index] = if altered[index] == b'A' { b'B' } else { b'A' };
        let altered = String::from_utf8(altered).unwrap();
        assert!(again.open_sealed("service.credentials", "17", &altered).is_err(), "{index}");
    }
    assert_eq!(format!("{plain:?}"), "[secret]");
}

#[test]
fn another_key_is_named_and_an_exposed_or_broken_key_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("master.key");
    let sealed = Secrets::open(&path).unwrap().seal("p", "1", &"x".into());
    let other = Secrets::open(&folder.path().join("other.key")).unwrap();
    let error = other.open_sealed("p", "1", &sealed).unwrap_err();
    assert!(matches!(error, SecretError::UnknownKey { .. }) && error.to_string().contains("master.key"), "{error}");

    let before = std::fs::read(&path).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    assert!(matches!(Secrets::open(&path), Err(SecretError::Exposed { mode: 0o640, .. })));
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), before, "a refused file is left alone");
    for (content, line) in [("", 1), ("pitlane master key 1\n", 2), ("pitlane master key 1\n0011aabb short\n", 2)] {
        std::fs::write(&path, content).unwrap();
        assert!(
            matches!(Secrets::open(&path), Err(SecretError::Malformed { line: at, .. }) if at == line),
            "{content:?}"
        );
    }
}

#[tokio::test]
async fn rotation_keeps_the_old_key_until_every_row_is_sealed_anew() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("master.key");
    let secrets = Secrets::open(&path).unwrap();
    let elsewhere = Secrets::open(&path).unwrap();
    let old = secrets.seal("p", "1", &"x".into());
    let failed = secrets.rotate(|_| async { Err("database away") }).await;
    assert!(matches!(failed, Err(SecretError::Reseal(_))) && secrets.rotation_pending());
    assert_eq!(
        Secrets::open(&path).unwrap().open_sealed("p", "1", &old).unwrap().expose(),
        "x",
        "a crash here loses nothing"
    );

    let (tell, told) = tokio::sync::oneshot::channel();
    let row = old.clone();
    let reseal = |secrets: Secrets| async move {
        let new = secrets.reseal("p", "1", &row)?.expect("sealed by an old key");
        assert!(secrets.reseal("p", "1", &new)?.is_none());
        tell.send(new).unwrap();
        Ok::<_, SecretError>(())
    };
    secrets.rotate(reseal).await.unwrap();
    let new = told.await.unwrap();
    assert!(!secrets.rotation_pending());
    assert_eq!(
        elsewhere.open_sealed("p", "1", &new).unwrap().expose(),
        "x",
        "another process finds the new key by itself"
    );
    assert!(matches!(secrets.open_sealed("p", "1", &old), Err(SecretError::UnknownKey { .. })), "the old key is gone");
}
