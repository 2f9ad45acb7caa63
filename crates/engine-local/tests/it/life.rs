//! Start, output, limits, ends.

use crate::house::{house, refused, server, sh, spec};
use engine::{Engine, ExitKind, InstanceId, Well};
use std::time::{Duration, Instant};

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

#[tokio::test(flavor = "multi_thread")]
async fn ends_are_told_apart() {
    let Some(house) = house("ends") else { return };

    let hoard = "kept = []\nwhile 1: kept.append(bytearray(b'x' * (1 << 20)))";
    let cases = [
        (sh("exit 0"), ExitKind::Code { code: 0 }),
        (sh("exit 137"), ExitKind::Code { code: 137 }),
        (sh("kill -TERM $$"), ExitKind::Signal { signal: 15 }),
        (sh("kill -SEGV $$"), ExitKind::Signal { signal: 11 }),
        (sh("kill -KILL $$"), ExitKind::Signal { signal: 9 }),
        (spec(&["/usr/bin/python3", "-c", hoard]), ExitKind::OutOfMemory),
        // Killed for memory below a shell that would go on.
        (sh("/usr/bin/python3 -c 'x = bytearray(b\"x\" * (200 << 20))'; sleep 60"), ExitKind::OutOfMemory),
        // Files in /dev/shm are memory.
        (sh("head -c 200M /dev/zero > /dev/shm/x; sleep 60"), ExitKind::OutOfMemory),
    ];
    for (one, wanted) in cases {
        let (kind, lines) = house.run(&one).await;
        assert_eq!(kind, wanted, "{:?} {lines:?}", one.argv);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_are_the_kernels() {
    let Some(house) = house("limits") else { return };
    let mut one = spec(&["sleep", "600"]);
    one.limits.cpu_weight = 50;
    house.start(&one).await;
    // Process 1 is ours, so there is one process more.
    let wanted: &[(&str, &str)] = match house.engine.facts().cgroups.as_str() {
        "v1" => &[("memory.limit_in_bytes", "67108864"), ("pids.max", "65"), ("cpu.shares", "512")],
        _ => &[
            ("memory.max", "67108864"),
            ("pids.max", "65"),
            ("cpu.weight", "50"),
            ("memory.swap.max", "0"),
            ("memory.oom.group", "1"),
        ],
    };
    for (name, value) in wanted {
        assert_eq!(house.limit(&one.id, name).as_deref(), Some(*value), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_asks_first_and_kills_then() {
    let Some(house) = house("stop") else { return };
    let polite = sh("trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 0.05; done");
    // No handler: the default action ends it at once, as it would outside.
    let plain = spec(&["sleep", "600"]);
    let mut deaf = sh("trap '' TERM; echo up; while :; do sleep 0.05; done");
    deaf.grace = Duration::from_millis(500);
    // All at once, the first of this engine: none must be in the way of another.
    futures_util::future::join_all([&polite, &plain, &deaf].map(|one| house.start(one))).await;
    house.until(&polite, "up").await;
    house.until(&deaf, "up").await;
    for (one, least, most) in [(&polite, 0, 3000), (&plain, 0, 3000), (&deaf, 500, 4000)] {
        let begun = Instant::now();
        house.engine.stop(&one.id).await.unwrap();
        let took = begun.elapsed().as_millis();
        assert!((least..most).contains(&took), "{:?} took {took} ms", one.argv);
        assert_eq!(house.end(&one.id).await.kind, ExitKind::Stopped);
        // Once more is no error.
        house.engine.stop(&one.id).await.unwrap();
    }
    assert!(house.lines(&polite).contains(&"bye".to_owned()));
    let killed = spec(&["sleep", "600"]);
    house.start(&killed).await;
    assert!(refused(&house.engine.forget(&killed.id).await.unwrap_err()).contains("still runs"));
    house.engine.kill(&killed.id).await.unwrap();
    assert_eq!(house.end(&killed.id).await.kind, ExitKind::Stopped);
    house.engine.end_all().await.unwrap();
    assert_eq!(house.groups(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fork_bomb_stays_in_its_bounds() {
    let Some(house) = house("bomb") else { return };
    let begun = Instant::now();
    house.say("echo alive").await;
    // Emulated processors need longer for everything.
    let patience = Duration::from_secs(5) + begun.elapsed() * 10;
    let mut bomb = sh("bomb() { bomb | bomb & }; echo lit; while :; do bomb; done 2>/dev/null");
    bomb.limits.pids = 50;
    house.start(&bomb).await;
    house.until(&bomb, "lit").await;
    let begun = Instant::now();
    assert_eq!(house.say("echo alive").await, "alive");
    assert!(begun.elapsed() < patience, "the host answers in {:?}", begun.elapsed());
    house.engine.kill(&bomb.id).await.unwrap();
    assert_eq!(house.end(&bomb.id).await.kind, ExitKind::Stopped);
    let count = "import os, time\ncount = 0\ntry:\n while os.fork() or time.sleep(600): count += 1\nexcept BlockingIOError: print('counted', count)";
    let (_, lines) = house.run(&spec(&["/usr/bin/python3", "-c", count])).await;
    assert_eq!(lines, ["counted 63"], "with itself as many as may be");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_disk_ends_where_it_ends() {
    let Some(house) = house("disk") else { return };
    let neighbour = sh("sleep 1; head -c 1M /dev/zero > /tmp/x && echo fine; sleep 60");
    let observed = house.start(&neighbour).await;
    for place in ["/home/vcap", "/tmp", "/var/tmp"] {
        let (kind, lines) = house
            .run(&sh(&format!(
                "head -c 100M /dev/zero > {place}/x; stat -c %s {place}/x; head -c 1M /dev/zero > /tmp/y && echo more"
            )))
            .await;
        assert!(lines.iter().any(|line| line.contains("No space left on device")), "{place}: {kind:?} {lines:?}");
        let size: u64 = lines.iter().find_map(|line| line.parse().ok()).unwrap();
        assert!(size > 20 << 20 && size < 33 << 20, "{place}: {size}");
        assert!(!lines.contains(&"more".to_owned()), "one bound for all of it: {lines:?}");
    }
    house.until(&neighbour, "fine").await;
    let usage = house.engine.usage(&observed.id).await.unwrap();
    assert!(usage.disk_bytes >= 1 << 20 && usage.disk_bytes < 8 << 20, "{usage:?}");
    assert!(usage.memory_bytes > 1 << 16 && usage.memory_bytes < 64 << 20, "{usage:?}");
    assert!(usage.cpu > Duration::ZERO);
}

#[tokio::test(flavor = "multi_thread")]
async fn long_and_many_lines_are_cut() {
    let Some(house) = house("lines") else { return };
    let (_, lines) = house.run(&sh("head -c 150000 /dev/zero | tr '\\0' x; echo; echo next")).await;
    let lengths: Vec<usize> = lines.iter().map(String::len).collect();
    assert_eq!(lengths, [61440, 61440, 150_000 - 2 * 61440, 4]);
    let mut loud = sh("for i in $(seq 2000); do echo 0123456789012345678901234567890123456789; done");
    loud.limits.log_rate = 1000;
    let (_, lines) = house.run(&loud).await;
    let notice = "app instance exceeded log rate limit (1000 bytes/sec)";
    assert!(lines.iter().filter(|line| *line == notice).count() == 1, "{lines:?}");
    assert!(lines.len() < 150, "{} lines", lines.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_start_is_refused_in_words_and_leaves_nothing() {
    let Some(house) = house("refused") else { return };
    let mut stack = sh("true");
    stack.root.stack = "cflinuxfs9".into();
    let mut layer = sh("true");
    layer.root.layers = vec![house.root.join("no-such-layer")];
    let mut cwd = sh("true");
    cwd.cwd = "app".into();
    let cases = [
        (stack, "no stack \"cflinuxfs9\""),
        (layer, "no-such-layer is not there"),
        (cwd, "not absolute"),
        (spec(&[]), "no command"),
        (spec(&["no-such-program"]), "not on the PATH"),
        (spec(&["/etc/passwd"]), "could not be executed: Permission denied"),
        (spec(&["/usr/bin/nothing"]), "could not be executed: No such file"),
    ];
    for (one, words) in cases {
        let error = house.engine.start(&one).await.unwrap_err();
        assert!(refused(&error).contains(words), "{error}");
    }
    let mut folder = sh("true");
    folder.cwd = "/home/vcap/nowhere".into();
    assert!(house.engine.start(&folder).await.is_err());
    assert!(house.engine.list().await.unwrap().is_empty());
    assert_eq!(house.traces_until(&[]).await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_start_side_by_side() {
    let Some(house) = house("twenty") else { return };
    let specs: Vec<_> = (0..20).map(|number| server(&format!("I am {number}"))).collect();
    let started = futures_util::future::join_all(specs.iter().map(|one| house.engine.start(one))).await;
    for (number, observed) in started.into_iter().enumerate() {
        assert_eq!(house.ask(&observed.unwrap()).await, format!("I am {number}"));
    }
    let kept = std::fs::read_to_string(format!("/proc/{}/smaps_rollup", house.keeper(&specs[0].id))).unwrap();
    let private: u64 = kept
        .lines()
        .filter(|line| line.starts_with("Private_"))
        .filter_map(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok())
        .sum();
    assert!(private <= 2048, "a keeper has {private} KiB of its own");
    house.engine.end_all().await.unwrap();
    for one in &specs {
        house.engine.forget(&one.id).await.unwrap();
    }
    assert_eq!(house.traces_until(&[]).await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_driver_finds_what_runs_and_what_ended() {
    let Some(mut house) = house("reopen") else { return };
    let runs = server("still here");
    let ticks = sh("for i in $(seq 1000); do echo tick $i; sleep 0.05; done");
    let ended = sh("exit 4");
    for one in [&runs, &ticks, &ended] {
        house.start(one).await;
    }
    house.end(&ended.id).await;
    let before = house.lines(&ticks).len();
    // The last word counts.
    for (one, words) in [
        (&runs, &[Some(Well { since: 1, ready: false }), Some(Well { since: 2, ready: true })][..]),
        (&ticks, &[Some(Well { since: 3, ready: true }), None]),
    ] {
        for well in words {
            house.engine.note_well(&one.id, *well).await.unwrap();
        }
    }
    assert!(house.engine.note_well(&InstanceId::random(), None).await.is_err());
    house.reopen();
    let all = house.engine.list().await.unwrap();
    assert_eq!(all.len(), 3);
    let found = |id: &InstanceId| all.iter().find(|one| one.id == *id).unwrap();
    let wells = [&runs, &ticks, &ended].map(|one| found(&one.id).well);
    assert_eq!(wells, [Some(Well { since: 2, ready: true }), None, None]);
    assert_eq!(house.ask(found(&runs.id)).await, "still here");
    assert_eq!(house.end(&ended.id).await.kind, ExitKind::Code { code: 4 });
    house.until(&ticks, &format!("tick {}", before + 5)).await;
    let mut changes = house.engine.changes();
    house.engine.stop(&ticks.id).await.unwrap();
    assert_eq!(changes.recv().await.unwrap(), ticks.id);
    assert_eq!(house.end(&ticks.id).await.kind, ExitKind::Stopped);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_keeper_takes_its_instance_along() {
    let Some(mut house) = house("keeper") else { return };
    for reopened in [false, true] {
        let one = server("x");
        let observed = house.start(&one).await;
        house.ask(&observed).await;
        if reopened {
            // Nobody looks while it happens.
            let address = observed.address.unwrap();
            kill(house.keeper(&one.id));
            let begun = Instant::now();
            while std::net::TcpStream::connect_timeout(&(address, 8080).into(), Duration::from_millis(200)).is_ok() {
                assert!(begun.elapsed() < Duration::from_secs(5), "it runs on");
            }
            house.reopen();
        } else {
            kill(house.keeper(&one.id));
        }
        assert_eq!(house.end(&one.id).await.kind, ExitKind::Lost);
        house.engine.forget(&one.id).await.unwrap();
        assert_eq!(house.traces_until(&[]).await, Vec::<String>::new());
    }
}

fn kill(pid: i32) {
    rustix::process::kill_process(rustix::process::Pid::from_raw(pid).unwrap(), rustix::process::Signal::KILL).unwrap();
}
