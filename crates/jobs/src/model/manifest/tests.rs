use super::{Manifest, Rules, faults_in_words};
use serde_json::json;

fn good() -> serde_json::Value {
    json!({
        "name": "adder", "owner_email": "kim@example.com", "jobtype": "python3:latest",
        "git": { "remote": "https://git.example.com/adder" },
        "jobtype_extra": { "entrypoint_path": "main.py" },
    })
}

fn faults(change: impl FnOnce(&mut serde_json::Value)) -> Vec<String> {
    let mut manifest = good();
    change(&mut manifest);
    Manifest::read(&manifest, Rules::default()).err().unwrap_or_default()
}

#[test]
fn r05_a_good_manifest_is_read_and_shown_with_every_field() {
    let manifest = Manifest::read(&good(), Rules::default()).unwrap();
    assert_eq!((manifest.name.as_str(), manifest.version.as_str(), manifest.replicas), ("adder", "0.0.1", 1));
    let full = manifest.full();
    assert_eq!(full.as_object().unwrap().len(), 23);
    assert_eq!(full["git"], json!({"remote": "https://git.example.com/adder", "branch": null, "directory": "."}));
    assert_eq!((&full["replicas"], &full["image_type"], &full["labels"]), (&json!(1), &json!("docker"), &json!(null)));
    let yaml = manifest.yaml();
    assert!(yaml.starts_with("name: adder\nowner_email: kim@example.com\ngit:\n  remote: "), "{yaml}");
    let again = Manifest::read_yaml(&yaml, Rules::default()).unwrap();
    assert_eq!(again.given(), manifest.given());
}

#[test]
fn r05_all_faults_are_told_at_once_each_with_its_field() {
    let found = faults(|manifest| {
        manifest["name"] = json!("My_Job");
        manifest["version"] = json!("abc");
        manifest["replicas"] = json!(51);
        manifest["runtime_env"] = json!({ "PORT": 8080, "AUTH_TOKEN": "mine" });
        manifest["resources"] = json!({ "memory_max": "1GB" });
        manifest["replicsa"] = json!(2);
        manifest["git"]["remote"] = json!("git@host:x");
        manifest["owner_email"] = json!(null);
    });
    let wanted = [
        "replicsa: Extra inputs are not permitted; did you mean replicas?",
        "name: \"My_Job\" cannot name a job",
        "owner_email: Field required",
        "git.remote: 'git@host:x' does not match '^https://'",
        "version: 'abc' is no semantic version",
        "runtime_env.PORT: Input should be a valid string, not 8080",
        "runtime_env: found illegal runtime env vars, which conflict with reserved names",
        "replicas: 51 is greater than the maximum of 50",
        "resources.memory_max: invalid suffix: GB",
    ];
    assert_eq!(found.len(), wanted.len(), "{found:#?}");
    for (found, wanted) in found.iter().zip(wanted) {
        assert!(found.starts_with(wanted), "{found}");
    }
    assert!(faults_in_words(&found).starts_with("invalid manifest, 9 problems:\n- "));
}

#[test]
fn single_faults() {
    let cases: [(&str, serde_json::Value, &str); 16] = [
        ("jobtype", json!("python3"), "jobtype: job type should be specified as \"name:version\", got \"python3\""),
        ("lang", json!("python3:1"), "jobtype: it is given beside lang"),
        ("python", json!({}), "jobtype_extra: only one of jobtype_extra, python"),
        ("jobtype_extra", json!([]), "jobtype_extra: Input should be a valid dictionary"),
        ("replicas", json!(0), "replicas: 0 is less than the minimum of 1"),
        ("replicas", json!("2"), "replicas: Input should be a valid integer"),
        ("git", json!({}), "git.remote: Field required"),
        ("git", json!({"remote": "https://h/x", "branch": "-x"}), "git.branch: "),
        ("git", json!({"remote": "https://h/x", "directory": "../.."}), "git.directory: "),
        ("git", json!({"remote": "https://h/x", "depth": 1}), "git.depth: Extra inputs are not permitted"),
        ("image_type", json!("packer"), "image_type: "),
        ("extends", json!("base.yaml"), "extends: "),
        ("labels", json!("x"), "labels: "),
        ("public_endpoints", json!(["/a b"]), "public_endpoints: "),
        ("system_dependencies", json!(["-x"]), "system_dependencies: "),
        (
            "resources",
            json!({"memory_min": "2Gi", "memory_max": "1Gi"}),
            "resources.memory_min: 2Gi is greater than memory_max 1Gi",
        ),
    ];
    for (field, value, wanted) in cases {
        let found = faults(|manifest| manifest[field] = value.clone());
        assert!(found.len() == 1 && found[0].starts_with(wanted), "{field}: {value}: {found:?}");
    }
    assert!(faults(|manifest| *manifest = json!([1])).len() == 1);
    let mut old = good();
    old["lang"] = old["jobtype"].take();
    let manifest = Manifest::read(&old, Rules::default()).unwrap();
    assert_eq!(manifest.deprecated, [("lang", "jobtype")]);
    assert!(Manifest::read_yaml("a: [", Rules::default()).unwrap_err()[0].starts_with("the manifest is no YAML"));
}
