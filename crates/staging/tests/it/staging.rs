//! The buildpack API from its outside: small buildpacks that say what they were given.

use super::yard::*;
use staging::*;
use std::fs;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

const RELEASE: &str = "echo 'default_process_types: {web: from-release, only: release}'";

fn types(droplet: &StagedDroplet) -> Vec<String> {
    droplet.process_types.iter().map(|(kind, command)| format!("{kind}={command}")).collect()
}

/// Nothing of a staging is left but what is meant to be.
fn tidy(yard: &Yard) {
    for name in ["work/scratch", "work/out", "engine/instances"] {
        let left: Vec<_> = fs::read_dir(yard.place.path().join(name)).unwrap().collect();
        assert!(left.is_empty(), "{name}: {left:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn supply_and_finalize_get_their_arguments_in_order() {
    let Some(yard) = yard() else { return };
    let say = |name: &str| format!("echo {name} $*; [ -d $1 ] && [ -d $2 ] && [ -d $3/$4 ] || exit 1");
    let config = |name: &str| format!("printf 'name: {name}\nversion: 2.5\n' >$3/$4/config.yml");
    let one = buildpack(&yard, "one", &[("bin/supply", &format!("{}; {}", say("one-supply"), config("One")))]);
    let two = buildpack(
        &yard,
        "two",
        &[
            ("bin/supply", &format!("{}; {}", say("two-supply"), config("Two"))),
            ("bin/finalize", &format!("{}; echo built >$1/built && echo export X=1 >$5/x.sh", say("two-finalize"))),
            ("bin/compile", "echo never; exit 1"),
            ("bin/release", RELEASE),
        ],
    );
    let procfile = "web: from-procfile $PORT\nworker: \"run: it\"\n";
    let source = folder(yard.place.path(), "source", &[("file", "x"), ("Procfile", procfile)]);
    let droplet = yard.droplet(&source, Selection::Explicit(vec![one, two])).await;
    let output = yard.output();
    for words in [
        "one-supply /tmp/app /home/vcap/cache/",
        "two-supply /tmp/app /home/vcap/cache/final /home/vcap/deps 1\n",
        "two-finalize /tmp/app /home/vcap/cache/final /home/vcap/deps 1 /home/vcap/profile.d",
    ] {
        assert!(output.contains(words), "{words:?} in {output}");
    }
    assert!(!output.contains("never"));
    assert_eq!(types(&droplet), ["only=release", "web=from-procfile $PORT", "worker=run: it"]);
    assert_eq!(droplet.start_command.as_deref(), Some("from-procfile $PORT"));
    let two = &droplet.buildpacks[1];
    assert_eq!((two.buildpack_name.as_deref(), two.version.as_deref()), (Some("Two"), Some("2.5")));
    assert_eq!(two.detect_output, None, "nobody asked it");
    assert_eq!(file_of(&droplet, "./app/built").as_deref(), Some("built\n"));
    assert_eq!(file_of(&droplet, "./profile.d/x.sh").as_deref(), Some("export X=1\n"));
    assert_eq!(file_of(&droplet, "./tmp/").as_deref(), Some(""));
    let info = file_of(&droplet, "./staging_info.yml").unwrap();
    assert!(info.contains(r#""detected_buildpack":"two","start_command":"from-procfile $PORT""#), "{info}");
    drop(droplet);
    tidy(&yard);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn launch_yml_stands_between_release_and_procfile() {
    let Some(yard) = yard() else { return };
    let launch = "processes:\n- {type: web, command: from-launch}\n- {type: extra, command: \"x 'y'\"}\n\
        - {type: agent, command: watch, limits: {memory: 32}, platforms: {cloudfoundry: {sidecar_for: [web, extra]}}}";
    let finalize = format!("cat >$3/$4/launch.yml <<'E'\n{launch}\nE");
    let scripts = [("bin/detect", "echo yes"), ("bin/finalize", &finalize), ("bin/release", RELEASE)];
    let one = buildpack(&yard, "one", &scripts);
    let never = buildpack(&yard, "never", &[("bin/detect", "exit 1"), ("bin/compile", "exit 9")]);
    let source = folder(yard.place.path(), "source", &[("Procfile", "web: echo a: b: c\n# comment\n")]);
    let selection = Selection::Detect(vec![never, one]);
    let droplet = yard.droplet(&source, selection.clone()).await;
    assert_eq!(types(&droplet), ["extra=x 'y'", "only=release", "web=echo a: b: c"]);
    let agent = Sidecar {
        name: "agent".into(),
        command: "watch".into(),
        process_types: vec!["web".into(), "extra".into()],
        memory_in_mb: Some(32),
    };
    assert_eq!(droplet.sidecars, [agent]);
    assert_eq!(droplet.buildpacks.len(), 1);
    assert_eq!((&*droplet.buildpacks[0].name, droplet.buildpacks[0].detect_output.as_deref()), ("one", Some("yes")));
    let again = yard.droplet(&source, selection).await;
    assert_eq!(again.digest, droplet.digest, "equal source, equal droplet");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failures_have_the_names_that_clients_know() {
    let Some(yard) = yard() else { return };
    let pack = |name: &str, scripts: &[(&str, &str)]| buildpack(&yard, name, scripts);
    let good: &[(&str, &str)] = &[("bin/compile", "true"), ("bin/release", RELEASE)];
    let sparse = "cd $1; truncate -s 20G big";
    let table: Vec<(Selection, &str, &str)> = vec![
        (
            Selection::Detect(vec![pack("no", &[("bin/detect", "exit 1")])]),
            "NoAppDetectedError - An app was not successfully detected by any available buildpack",
            "None of the buildpacks detected",
        ),
        (Selection::Detect(vec![]), "NoAppDetectedError", ""),
        (
            Selection::Explicit(vec![pack("c", &[("bin/compile", "echo out of tyres; exit 3")])]),
            "BuildpackCompileFailed - App staging failed in the buildpack compile phase",
            "out of tyres",
        ),
        (
            Selection::Explicit(vec![pack(
                "s",
                &[("bin/supply", "exit 1"), ("bin/finalize", "true"), ("bin/release", RELEASE)],
            )]),
            "BuildpackCompileFailed",
            "",
        ),
        (
            Selection::Explicit(vec![pack("r", &[("bin/compile", "true"), ("bin/release", "exit 1")])]),
            "BuildpackReleaseFailed - App staging failed in the buildpack release phase",
            "",
        ),
        (
            Selection::Explicit(vec![pack("y", &[("bin/compile", "true"), ("bin/release", "echo '{[: no yaml'")])]),
            "BuildpackReleaseFailed",
            "",
        ),
        (
            Selection::Explicit(vec![pack("n", &[("bin/supply", "exit 1")]), pack("f", good)]),
            "StagingError - Staging error: staging failed",
            "Failed to run all supply scripts",
        ),
        (Selection::Explicit(vec![pack("o", good), pack("p", good)]), "StagingError", "name it last"),
        (
            Selection::Explicit(vec![pack("k", &[("bin/compile", "cd $1; ln -s ../../../../etc out"), good[1]])]),
            "\"app/out\" is a link to",
            "",
        ),
        (Selection::Explicit(vec![pack("b", &[("bin/compile", sparse), good[1]])]), "disk limit", ""),
        (
            Selection::Explicit(vec![pack(
                "l",
                &[("bin/compile", "cd $1; rm -rf $PWD; ln -s /etc /tmp/app"), good[1]],
            )]),
            "without app",
            "",
        ),
    ];
    let source = folder(yard.place.path(), "source", &[("file", "x")]);
    for (selection, error, said) in table {
        let failed = yard.stage(&source, selection.clone()).await.expect_err(error).to_string();
        let output = yard.output();
        assert!(failed.contains(error), "{selection:?}: {failed:?} should hold {error:?}\n{output}");
        assert!(output.contains(said), "{output}");
    }
    tidy(&yard);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_hangs_is_ended_and_what_is_called_off_ends() {
    let Some(yard) = yard() else { return };
    let source = folder(yard.place.path(), "source", &[("file", "x")]);
    let endless = "trap '' TERM; echo hanging; while true; do cat /dev/zero >/pitlane/in/droplet.pipe; done";
    let hang = Selection::Explicit(vec![buildpack(&yard, "hang", &[("bin/compile", endless)])]);
    let mut request = yard.request(&source, hang.clone());
    request.timeout = Duration::from_secs(2);
    let error = yard.stager.stage(request, &CancellationToken::new()).await.unwrap_err();
    assert_eq!(error.to_string(), "StagingTimeExpired - Staging time expired: it was ended after 2 s");
    tidy(&yard);

    let cancel = CancellationToken::new();
    let stage = yard.stager.stage(yard.request(&source, hang.clone()), &cancel);
    let hanging = async {
        while yard.output().matches("hanging").count() < 2 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        cancel.cancel();
    };
    let (error, ()) = tokio::join!(stage, hanging);
    assert!(error.unwrap_err().to_string().contains("called off"));
    tidy(&yard);

    // Whoever asked for it is gone; a new process finds the rest.
    let stager = yard.stager.clone();
    let request = yard.request(&source, hang);
    let gone = tokio::spawn(async move { stager.stage(request, &CancellationToken::new()).await });
    while yard.output().matches("hanging").count() < 3 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    yard.stager.sweep().await.unwrap();
    assert!(gone.await.unwrap().is_err());
    tidy(&yard);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cache_is_kept_by_good_stagings_only_and_by_buildpack() {
    let Some(yard) = yard() else { return };
    let source = folder(yard.place.path(), "source", &[("file", "x")]);
    let count = "n=$(cat $2/n 2>/dev/null || echo 0); echo $1 counted $n; echo $((n + 1)) >$2/n";
    let fail = format!("{count}; [ -z \"$FAIL\" ]");
    let one = buildpack(&yard, "one", &[("bin/compile", &fail), ("bin/release", RELEASE)]);
    let two = buildpack(&yard, "two", &[("bin/compile", &fail), ("bin/release", RELEASE)]);
    let stage = async |pack: &BuildpackRef, fail: bool| {
        let mut request = yard.request(&source, Selection::Explicit(vec![pack.clone()]));
        if fail {
            request.env.push(("FAIL".into(), "1".into()));
        }
        let good = yard.stager.stage(request, &CancellationToken::new()).await.is_ok();
        assert_eq!(good, !fail, "{}", yard.output());
        let output = yard.output();
        output.lines().rev().find_map(|line| line.split_once("counted ").map(|(_, n)| n.to_owned())).unwrap()
    };
    assert_eq!(stage(&one, false).await, "0");
    assert_eq!(stage(&one, false).await, "1");
    assert_eq!(stage(&one, true).await, "2");
    assert_eq!(stage(&one, false).await, "2", "the failed one has spoiled nothing");
    assert_eq!(stage(&two, false).await, "0", "another buildpack's cache");
    fs::write(yard.place.path().join("work/apps/app/cache.tar"), "torn").unwrap();
    assert_eq!(stage(&two, false).await, "0", "a torn cache is none");
    yard.stager.forget_app("app").unwrap();
    assert_eq!(stage(&two, false).await, "0");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn limits_of_staging_hold() {
    let Some(yard) = yard() else { return };
    let source = folder(yard.place.path(), "source", &[("file", "x")]);
    for (script, said, error) in [
        ("dd if=/dev/zero of=$1/big bs=1M count=200", "No space left", "BuildpackCompileFailed"),
        (
            "exec perl -e '$x = \"x\" x (800 << 20)'",
            "",
            "StagingError - Staging error: staging used more than its 128.0M of memory",
        ),
        ("touch /pitlane/in/x /pitlane/cache/x", "Read-only file system", "BuildpackCompileFailed"),
    ] {
        let pack = buildpack(&yard, "big", &[("bin/compile", script), ("bin/release", RELEASE)]);
        let mut request = yard.request(&source, Selection::Explicit(vec![pack]));
        request.limits = StagingRequest::limits(128 << 20, 64 << 20);
        let failed = yard.stager.stage(request, &CancellationToken::new()).await.unwrap_err().to_string();
        assert!(failed.contains(error), "{failed}\n{}", yard.output());
        assert!(yard.output().contains(said), "{}", yard.output());
    }
    // More than all may have together is refused at once; what fits waits for its turn, and says so.
    let engine = std::sync::Arc::new(yard.engine.clone());
    let small = budget(256 << 20);
    let small = Stager::new(StagerOptions::new(engine, small, yard.place.path().join("work"))).unwrap();
    let nap = buildpack(&yard, "nap", &[("bin/compile", "sleep 0.5"), ("bin/release", RELEASE)]);
    let mut request = yard.request(&source, Selection::Explicit(vec![nap]));
    let too_much = small.stage(request.clone(), &CancellationToken::new()).await.unwrap_err();
    assert!(too_much.to_string().starts_with("InsufficientResources - Insufficient resources: "), "{too_much}");
    request.limits = StagingRequest::limits(200 << 20, 64 << 20);
    let cancel = CancellationToken::new();
    let places = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    request.place = std::sync::Arc::new({
        let places = places.clone();
        move |place| places.lock().unwrap().push(place.map(|place| place.to_string()))
    });
    let (one, two) = tokio::join!(small.stage(request.clone(), &cancel), small.stage(request, &cancel));
    assert!(one.is_ok() && two.is_ok());
    let waits = "waits for free memory on this host, place 1 in the queue";
    let mut places = places.lock().unwrap().clone();
    places.sort();
    assert_eq!(places, [None, None, Some(waits.to_owned())], "one waits, both are admitted");
    assert!(yard.lines.lock().unwrap().contains(&format!("The build {waits}")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failing_builds_say_what_to_do() {
    let Some(yard) = yard() else { return };
    for (files, words) in [
        (
            &[("requirements.txt", "no-such-package-of-pitlane==1.0\n")][..],
            "pip could not install what requirements.txt asks for",
        ),
        (&[("requirements.txt", ""), ("runtime.txt", "python-3.4.1")], "runtime.txt asks for Python 3.4"),
        (&[("package.json", "{\"engines\": {\"node\": \"^4.0.0\"}}")], "asks for Node.js ^4.0.0, this stack has"),
        (&[("package.json", "{not json")], "package.json cannot be read"),
        (&[("app.psgi", ""), ("cpanfile", "requires 'No::Such::Module';")], "missing: No::Such::Module"),
        (&[("composer.json", "{\"require\": {\"ext-nosuch\": \"*\"}}"), ("index.php", "")], "php-nosuch"),
        (&[("Staticfile", "root: nowhere\n")], "there is no folder nowhere"),
    ] {
        let place = tempfile::tempdir().unwrap();
        let source = folder(place.path(), "source", files);
        let error = yard.stage(&source, detect()).await.unwrap_err();
        assert!(matches!(error, StagingError::CompileFailed), "{error}\n{}", yard.output());
        assert!(yard.output().contains(words), "{words:?} in\n{}", yard.output());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_second_python_staging_downloads_nothing() {
    let Some(yard) = yard() else { return };
    let mut took = Vec::new();
    for expected in [true, false] {
        let before = yard.output().len();
        let begun = Instant::now();
        let droplet = yard.droplet(&sample("python"), detect()).await;
        took.push((begun.elapsed(), droplet.digest.clone()));
        let output = yard.output().split_off(before);
        assert_eq!(output.contains("Downloading"), expected, "{output}");
    }
    eprintln!("{took:?}");
    assert_eq!(took[0].1, took[1].1, "and its droplet is the same");
}

/// A server of plain files gives no part of a history; a branch is found in the whole of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_buildpack_is_cloned_from_whatever_serves_it() {
    let Some(yard) = yard() else { return };
    let serve = r#"
        commit() { git -C /tmp/w add -A && git -C /tmp/w -c user.name=a -c user.email=a@b.c commit -qm "$1"; }
        mkdir -p /tmp/w/bin && git init -q -b main /tmp/w
        printf '#!/bin/bash\necho supplied by main\n' >/tmp/w/bin/supply && commit one
        git -C /tmp/w checkout -qb wet && sed -i s/main/wet/ /tmp/w/bin/supply && commit two && git -C /tmp/w checkout -q main
        git clone -q --bare /tmp/w /tmp/x.git && git -C /tmp/x.git update-server-info && cd /tmp
        python3 -m http.server 8123 --bind 127.0.0.1 >/dev/null 2>&1 &
        until (: </dev/tcp/127.0.0.1/8123) 2>/dev/null; do sleep 0.1; done"#;
    let server = buildpack(&yard, "server", &[("bin/supply", serve)]);
    let last = buildpack(&yard, "last", &[("bin/compile", "true"), ("bin/release", RELEASE)]);
    let source = folder(yard.place.path(), "source", &[("file", "x")]);
    for (url, said) in
        [("http://127.0.0.1:8123/x.git", "supplied by main"), ("http://127.0.0.1:8123/x.git#wet", "supplied by wet")]
    {
        let from = BuildpackRef::url(BuildpackUrl::parse(url).unwrap());
        yard.droplet(&source, Selection::Explicit(vec![server.clone(), from, last.clone()])).await;
        assert!(yard.output().contains(said), "{}", yard.output());
    }
    let nowhere = BuildpackRef::url(BuildpackUrl::parse("http://127.0.0.1:8123/no.git").unwrap());
    let error = yard.stage(&source, Selection::Explicit(vec![server, nowhere, last])).await.unwrap_err();
    assert!(error.to_string().starts_with("StagingError"), "{error}");
    assert!(
        yard.output().contains("the buildpack http://127.0.0.1:8123/no.git could not be cloned"),
        "{}",
        yard.output()
    );
}

#[test]
fn buildpack_urls() {
    for (text, shown) in [
        ("https://github.com/cloudfoundry/go-buildpack", "https://github.com/cloudfoundry/go-buildpack"),
        ("https://user:secret@host/x.git#v1.2", "https://host/x.git#v1.2"),
        ("git://host/x#a/b", "git://host/x#a/b"),
    ] {
        assert_eq!(BuildpackUrl::parse(text).unwrap().shown(), shown);
    }
    for text in [
        "python",
        "file:///etc",
        "ssh://host/x",
        "ext::sh -c id",
        "https://",
        "https://-oProxyCommand/x",
        "https://h/x#--upload-pack=x",
        "https://h/x y",
        "https://h/x\n",
        "https://h/x#",
        "https://h/x#a..b",
    ] {
        let error = BuildpackUrl::parse(text).expect_err(text);
        assert!(error.contains("is no buildpack URL"), "{error}");
    }
}
