//! Hosts on which not all is well.

use crate::house::{house, server, sh};
use engine::{Engine, ExitKind};
use engine_local::LocalEngine;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn a_host_without_containers_is_named_and_bare_processes_need_leave() {
    let Some(mut house) = house("bare") else { return };
    // A keeper that finds no namespaces.
    let keeper = house.root.join("keeper");
    let real = house.options.keeper.display();
    std::fs::write(&keeper, format!("#!/bin/sh\n[ \"$2\" = --probe ] && echo 'namespaces: there are none; get some' && exit\nexec {real} \"$@\"\n")).unwrap();
    std::fs::set_permissions(&keeper, std::fs::Permissions::from_mode(0o755)).unwrap();
    house.options.keeper = keeper;
    let error = LocalEngine::open(house.options.clone()).err().unwrap().to_string();
    assert!(error.contains("cannot run containers") && error.contains("there are none; get some"), "{error}");
    house.options.allow_bare = true;
    house.reopen();
    let facts = house.engine.facts();
    assert_eq!((facts.engine.as_str(), facts.isolated), ("bare", false));
    for folder in
        [house.root.parent().unwrap(), &house.root, &house.root.join("engine"), &house.root.join("engine/instances")]
    {
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    let layer = house.root.join("layer");
    std::fs::create_dir_all(layer.join("app")).unwrap();
    std::fs::write(layer.join("app/file"), "from the droplet").unwrap();
    let mut one = sh("cat file; echo; id -u; exit 5");
    one.root.layers = vec![layer];
    one.cwd = "/home/vcap/app".into();
    let (kind, lines) = house.run(&one).await;
    assert_eq!((kind, lines), (ExitKind::Code { code: 5 }, vec!["from the droplet".to_owned(), "2000".to_owned()]));
    let served = server("bare");
    let observed = house.start(&served).await;
    assert_ne!(observed.spec.ports, served.ports, "ports are the host's, so it gets a free one");
    house.engine.stop(&served.id).await.unwrap();
    assert_eq!(house.end(&served.id).await.kind, ExitKind::Stopped);
    let killed = sh("kill -9 $$");
    assert_eq!(house.run(&killed).await.0, ExitKind::Signal { signal: 9 });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_loses_no_exit_and_refuses_in_words() {
    let Some(mut house) = house("full") else { return };
    let small = Small::new(&house.root.join("small"));
    house.options.root = small.0.join("engine");
    house.reopen();
    let ends = sh("read -t 1 < /dev/zero; sleep 1; exit 7");
    house.start(&ends).await;
    // Whatever is made ready meanwhile takes room too.
    tokio::time::sleep(Duration::from_millis(300)).await;
    let full = std::fs::File::create(small.0.join("fill")).unwrap();
    let fill = || while std::io::Write::write(&mut &full, &[0; 4096]).is_ok_and(|written| written > 0) {};
    fill();
    assert_eq!(house.end(&ends.id).await.kind, ExitKind::Code { code: 7 });
    // Its writable layer gave room back.
    fill();
    let error = house.engine.start(&sh("true")).await.unwrap_err().to_string();
    assert!(error.contains("No space left"), "{error}");
    drop(full);
    std::fs::remove_file(small.0.join("fill")).unwrap();
    house.engine.forget(&ends.id).await.unwrap();
    assert_eq!(house.say("echo again").await, "again");
    house.engine.end_all().await.unwrap();
}

/// A small file system.
struct Small(std::path::PathBuf);

impl Small {
    fn new(path: &std::path::Path) -> Self {
        std::fs::create_dir_all(path).unwrap();
        rustix::mount::mount("small", path, "tmpfs", rustix::mount::MountFlags::empty(), c"size=16m").unwrap();
        Self(path.to_owned())
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = rustix::mount::unmount(&self.0, rustix::mount::UnmountFlags::DETACH);
    }
}
