use super::*;

#[track_caller]
fn faults(text: &str, want: &[&str]) {
    assert_eq!(Manifest::parse(text).expect_err("has faults"), want);
}

#[test]
fn what_the_client_sends() {
    let (manifest, _) = Manifest::parse(
        "applications:\n- name: dora\n  default-route: true\n  memory: 64M\n  disk-quota: 1G\n  instances: 2\n  \
         command: null\n  buildpacks: []\n  env:\n    A: 1\n    B: true\n  routes:\n  - route: dora.example.com/x\n    protocol: http2\n  \
         processes:\n  - type: web\n    memory: 128M\n  - type: worker\n    disk_quota: 10M\n    health-check-type: none\n  \
         services:\n  - db\n  - name: mq\n    binding_name: queue\n  metadata:\n    labels: {a: b, c: null}\n",
    )
    .unwrap();
    let app = &manifest.applications[0];
    assert_eq!((app.name.as_str(), app.line, app.default_route), ("dora", 2, true));
    assert_eq!(app.buildpacks, Some(vec![]));
    assert_eq!(app.env, [("A".into(), "1".into()), ("B".into(), "true".to_owned())]);
    assert_eq!(app.labels, [("a".into(), Some("b".into())), ("c".to_owned(), None)]);
    assert_eq!(app.services[1].binding_name.as_deref(), Some("queue"));
    let web = &app.processes[0];
    assert_eq!(
        (web.memory_mb, web.disk_mb, web.instances, &web.command),
        (Some(128), Some(1024), Some(2), &Some(None))
    );
    let worker = &app.processes[1];
    assert_eq!((worker.disk_mb, worker.health_type.as_deref()), (Some(10), Some("process")));
}

#[test]
fn every_fault_with_application_key_and_line() {
    faults(
        "applications:\n- name: a\n  memroy: 64M\n  instances: many\n- memory: 12\n- name: c\n  host: x\n  processes:\n  - type: web\n    \
         disk_quota: 1X\n    comand: x\n  routes:\n  - route: a b\n",
        &[
            "For application 'a': unknown key 'memroy'; did you mean 'memory'? (line 3)",
            "For application 'a': instances must be a whole number, at least 0 (line 4)",
            "For application at index 1: name can't be blank (line 5)",
            "For application at index 1: Memory must use a supported unit: B, K, KB, M, MB, G, GB, T, or TB (line 5)",
            "For application 'c': the key 'host' is no longer supported; use 'routes' (line 7)",
            "For application 'c': The route 'a b' is not a properly formed URL: 'a b' is no part of a host name (line 13)",
            "For application 'c': unknown key 'comand'; did you mean 'command'? (line 11)",
            "For application 'c': Process \"web\": Disk quota must use a supported unit: B, K, KB, M, MB, G, GB, T, or TB (line 10)",
        ],
    );
}

#[test]
fn the_document_itself() {
    faults("version: 2\napplications: []\n", &["Unsupported manifest version. Currently supported versions: [1]"]);
    faults("applications: []\n", &["'applications' must be a non-empty list (line 1)"]);
    faults("aplications:\n- name: a\n", &["Unknown key 'aplications' (line 1); did you mean 'applications'?"]);
    faults("- a\n", &["The manifest must be a map with the key 'applications'."]);
    faults(
        "applications:\n- name: a\n- name: a\n",
        &["For application 'a': name must be unique within the manifest (line 3)"],
    );
    faults(
        "applications:\n- name: a\n  env: {PORT: 1, VCAP_X: 2, 'A=B': 3}\n",
        &[
            "For application 'a': env cannot set PORT (line 3)",
            "For application 'a': env cannot start with VCAP_ (line 3)",
            "For application 'a': env name 'A=B' must not hold '=' or a NUL (line 3)",
        ],
    );
}

proptest::proptest! {
    /// Whatever strangers send, it is answered, not panicked at.
    #[test]
    fn no_document_panics(text in "(applications:\n)?(- |  )?(name|memory|env|routes|processes)?: ?.{0,40}\n?.{0,40}") {
        let _ = Manifest::parse(&text);
    }
}
