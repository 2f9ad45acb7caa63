//! The buildpack API from its outside: small buildpacks that say what they were given.

use super::yard::*;
use staging::*;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

const RELEASE: &str = "echo 'default_process_types: {web: from-release, only: release}'";

#[tokio::test]
async fn supply_and_finalize_get_their_arguments_in_order() {
    let Some(yard) = yard() else { return };
    let say = |name: &str| format!("echo {name} $*; [ -d $1 ] && [ -d $2 ] && [ -d $3/$4 ]");
    let one = buildpack(&yard, "one", &[("bin/supply", &format!("{}; echo 'name: One\nversion: 1.10' >$3/$4/config.yml", say("one-supply")))]);
    let two = buildpack(
        &yard,
        "two",
        &[
            ("bin/supply", &format!("{}; printf 'name: Two\\nversion: \"2.10\"\\n' >$3/$4/config.yml", say("two-supply"))),
            ("bin/finalize", &format!("{}; [ -d $5 ] && echo built >$1/built && echo export X=1 >$5/x.sh", say("two-finalize"))),
            ("bin/compile", "echo never; exit 1"),
            ("bin/release", RELEASE),
        ],
    );
    let source = folder(yard.place.path(), "source", &[("file", "x"), ("Procfile", "web: from-procfile $PORT\nworker: \"run: it\"\n")]);
    let droplet = yard.droplet(&source, Selection::Explicit(vec![one, two])).await;
    let output = yard.output();
    for words in ["one-supply /tmp/app /tmp/cache/", "two-supply /tmp/app /tmp/cache/final /home/vcap/deps 1\n"] {
        assert!(output.contains(words), "{output}");
    }
    assert!(output.contains("two-finalize /tmp/app /tmp/cache/final /home/vcap/deps 1 /home/vcap/profile.d"), "{output}");
    assert!(!output.contains("never"));
    let types: Vec<_> = droplet.process_types.iter().map(|(kind, command)| format!("{kind}={command}")).collect();
    assert_eq!(types, ["only=release", "web=from-procfile $PORT", "worker=run: it"]);
    assert_eq!(droplet.start_command.as_deref(), Some("from-procfile $PORT"));
    let two = &droplet.buildpacks[1];
    assert_eq!((two.buildpack_name.as_deref(), two.version.as_deref(), &two.detect_output), (Some("Two"), Some("2.10"), &None));
    assert_eq!(file_of(&droplet, "./app/built").as_deref(), Some("built\n"));
    assert_eq!(file_of(&droplet, "./profile.d/x.sh").as_deref(), Some("export X=1\n"));
    let info = file_of(&droplet, "./staging_info.yml").unwrap();
    assert!(info.contains("\"detected_buildpack\":\"two\"") && info.contains("\"start_command\":\"from-procfile $PORT\""), "{info}");
    // Nothing is left, and the droplet goes with its value.
    assert_eq!(std::fs::read_dir(yard.place.path().join("work/scratch")).unwrap().count(), 0);
    drop(droplet);
    assert_eq!(std::fs::read_dir(yard.place.path().join("work/out")).unwrap().count(), 0);
}

#[tokio::test]
async fn launch_yml_stands_between_release_and_procfile() {
    let Some(yard) = yard() else { return };
    let launch = "processes:\n- {type: web, command: from-launch}\n- {type: extra, command: \"x 'y'\"}\n- {type: agent, command: watch, limits: {memory: 32}, platforms: {cloudfoundry: {sidecar_for: [web, extra]}}}";
    let one = buildpack(
        &yard,
        "one",
        &[("bin/detect", "echo yes"), ("bin/finalize", &format!("cat >$3/$4/launch.yml <<'E'\n{launch}\nE")), ("bin/release", RELEASE)],
    );
    let never = buildpack(&yard, "never", &[("bin/detect", "exit 1"), ("bin/compile", "exit 9")]);
    let source = folder(yard.place.path(), "source", &[("Procfile", "web: echo a: b: c\n# comment\n")]);
    let droplet = yard.droplet(&source, Selection::Detect(vec![never, one.clone()])).await;
    let types: Vec<_> = droplet.process_types.iter().map(|(kind, command)| format!("{kind}={command}")).collect();
    assert_eq!(types, ["extra=x 'y'", "only=release", "web=echo a: b: c"]);
    assert_eq!(
        droplet.sidecars,
        [Sidecar { name: "agent".into(), command: "watch".into(), process_types: vec!["web".into(), "extra".into()], memory_in_mb: Some(32) }]
    );
    assert_eq!(droplet.buildpacks.len(), 1);
    assert_eq!((&*droplet.buildpacks[0].name, droplet.buildpacks[0].detect_output.as_deref()), ("one", Some("yes")));
    // Equal source, equal droplet.
    let again = yard.droplet(&source, Selection::Explicit(vec![one])).await;
    assert_ne!(again.digest, "");
    let third = yard.droplet(&source, again_selection(&again, &yard)).await;
    assert_eq!(third.digest, again.digest);
}

fn again_selection(_: &StagedDroplet, yard: &Yard) -> Selection {
    let scripts: &[(&str, &str)] = &[("bin/detect", "echo yes")];
    let _ = (scripts, yard);
    unreachable!()
}
