//! What an application may not do, tried from inside.

use crate::house::{House, house, refused, server, sh, spec};
use engine::{Engine, ExitKind, InstanceSpec, Mount};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

/// Each script must print `no` and nothing else on the way.
async fn all_no(house: &House, cases: &[&str]) {
    let script: String =
        cases.iter().map(|case| format!("if ({case}) >/dev/null 2>&1; then echo {case:?} worked; fi\n")).collect();
    assert_eq!(house.say(&script).await, "", "these worked");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_host_cannot_be_seen() {
    let Some(house) = house("see") else { return };
    // World-readable, so that only the mount namespace hides it.
    let key = house.root.join("master.key");
    for path in [Path::new("/tmp/local-tests"), &house.root] {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    let neighbour = sh("echo secret > /home/vcap/mine; chmod 755 /home/vcap; echo done; sleep 60");
    house.start(&neighbour).await;
    house.until(&neighbour, "done").await;
    let keeper = house.keeper(&neighbour.id);
    let (key, root) = (key.display(), house.root.display());
    all_no(
        &house,
        &[
            &format!("cat {key}"),
            &format!("ls {root}"),
            "cat /etc/shadow",
            "test -n \"$(ls -A /root)\"",
            "ls /etc/ssl/private",
            "cat /home/vcap/mine",
            "grep -r secret /home /tmp /var/tmp",
            // Masked by an empty file, where the kernel has it.
            "test \"$(head -c1 /proc/kcore | wc -c)\" != 0",
            "head -c1 /dev/mem",
            "ls /dev/vda /dev/loop0",
            &format!("test -e /proc/{keeper}/cwd"),
            "ls /proc/1/root/",
            "cat /proc/1/environ",
            "cat /proc/1/maps",
            "grep -q / /proc/1/cmdline",
            "test -d /sys/fs/cgroup",
        ],
    )
    .await;
    assert_eq!(
        house.say("ls -A / | sort | tr '\\n' ' '").await.trim(),
        "bin dev etc home lib lib64 opt proc root run sbin srv sys tmp usr var"
    );
    assert_eq!(
        house.say("ls -A /home /root /srv /opt /run /sys /tmp /var/tmp | grep -v : | sort -u | xargs").await,
        "vcap"
    );
    let processes = house.say("ls /proc | grep -E '^[0-9]+$' | wc -l").await;
    assert!(processes.parse::<u32>().unwrap() <= 6, "{processes} processes seen");
    assert_eq!(
        house.say("cut -d: -f1,3 /etc/passwd | xargs; id -u; id -un; hostname | wc -c").await,
        "root:0 vcap:2000 nobody:65534\n2000\nvcap\n13"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_outside_can_be_written() {
    let Some(house) = house("write") else { return };
    all_no(
        &house,
        &[
            "touch /x",
            "touch /usr/x",
            "touch /etc/x",
            "echo x >> /etc/passwd",
            "echo x > /etc/hosts",
            "echo x > /etc/resolv.conf",
            "touch /dev/x",
            "touch /home/x",
            "touch /run/x",
            "mkdir /var/x",
            "echo 1 > /proc/sys/kernel/hostname",
            "echo b > /proc/sysrq-trigger",
            "echo 0 > /proc/1/oom_score_adj",
            "hostname other",
            "chown 0 /home/vcap",
        ],
    )
    .await;
    assert_eq!(house.say("kill -9 1; kill -TERM 1; sleep 0.2; echo on").await, "on");
    assert_eq!(
        house
            .say("touch ~/x /tmp/x /var/tmp/x /dev/shm/x && echo x > /dev/null && head -c1 /dev/urandom | wc -c")
            .await,
        "1"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn no_privilege_can_be_had() {
    let Some(house) = house("privilege") else { return };
    let status =
        house.say("grep -E '^(Cap|NoNewPrivs|Seccomp:|Uid|Gid|Groups)' /proc/self/status | tr -s '\\t ' ' '").await;
    let none = "0000000000000000";
    let mut wanted: Vec<String> =
        ["Inh", "Prm", "Eff", "Bnd", "Amb"].iter().map(|set| format!("Cap{set}: {none}")).collect();
    wanted.extend(
        ["NoNewPrivs: 1", "Seccomp: 2", "Uid: 2000 2000 2000 2000", "Gid: 2000 2000 2000 2000"].map(str::to_owned),
    );
    for line in wanted {
        assert!(status.lines().any(|one| one.trim() == line), "{line} in {status}");
    }
    all_no(
        &house,
        &[
            "unshare -U true",
            "unshare -n true",
            "nsenter -t 1 -m true",
            "mount -t tmpfs x /tmp",
            "mount --bind / /tmp",
            "umount /proc",
            "chroot / true",
            "su -c true",
            "mknod /tmp/x b 7 0",
            "ip link add x type dummy",
            "dmesg",
            "cp /usr/bin/id /tmp/id && chmod u+s /tmp/id && chown root /tmp/id",
        ],
    )
    .await;
    // System calls that the filter must answer itself (EPERM 1, ENOSYS 38), with arguments that would fail otherwise.
    let calls = "import ctypes, socket\nlibc = ctypes.CDLL(None, use_errno=True)\n\
        for name, number in dict(keyctl=250, add_key=248, bpf=321, perf_event_open=298, userfaultfd=323, io_uring_setup=425, open_by_handle_at=304, mount=165, setns=308, \
        unshare=272, pivot_root=155, reboot=169, kexec_load=246, init_module=175, swapon=167, settimeofday=164, clone3=435, fsopen=430, open_tree=428, quotactl=179, process_vm_readv=310).items():\n\
        \x20ctypes.set_errno(0); libc.syscall(number, -1, -1, -1, -1, -1); e = ctypes.get_errno()\n\
        \x20if e != (38 if name == 'clone3' else 1): print(name, e)\n\
        for family in (38, 40, 17, 31):\n\
        \x20try: socket.socket(family, socket.SOCK_STREAM if family != 17 else socket.SOCK_RAW); print('socket', family)\n\
        \x20except PermissionError: pass\n\
        import threading, subprocess; t = threading.Thread(target=print, args=('threads',)); t.start(); t.join(); subprocess.run(['echo', 'children'])\n";
    let (kind, lines) = house.run(&spec(&["/usr/bin/python3", "-u", "-c", calls])).await;
    assert_eq!((kind, lines.join(" ")), (ExitKind::Code { code: 0 }, "threads children".to_owned()));
}

/// Python that tries to reach addresses and says which it reached.
fn dial(targets: &[String]) -> InstanceSpec {
    let script = format!(
        "import socket\nfor target in {targets:?}:\n\x20host, port = target.rsplit(':', 1)\n\
         \x20try: socket.create_connection((host, int(port)), 1).close(); print('reached', target)\n\
         \x20except OSError as error: print('not', target, error)\n"
    );
    spec(&["/usr/bin/python3", "-u", "-c", &script])
}

#[tokio::test(flavor = "multi_thread")]
async fn neither_host_nor_neighbour_can_be_reached() {
    let Some(mut house) = house("reach") else { return };
    let mut neighbours = Vec::new();
    for egress in [false, true] {
        let mut one = server("hello");
        one.egress = egress;
        let observed = house.start(&one).await;
        // The host reaches both.
        assert_eq!(house.ask(&observed).await, "hello");
        neighbours.push(format!("{}:8080", observed.address.unwrap()));
    }
    let host = std::net::TcpListener::bind("0.0.0.0:0").unwrap();
    let port = host.local_addr().unwrap().port();
    let plan: serde_json::Value =
        serde_json::from_slice(&std::fs::read(house.root.join("engine/network.json")).unwrap()).unwrap();
    let subnet: std::net::Ipv4Addr = plan["subnet"].as_str().unwrap().parse().unwrap();
    let gateway = std::net::Ipv4Addr::from(u32::from(subnet) + 1);
    // The address by which the host reaches the world, if it has one.
    let outside = std::net::UdpSocket::bind("0.0.0.0:0")
        .and_then(|socket| socket.connect("192.0.2.1:9").and_then(|()| socket.local_addr()));
    let mut targets = neighbours.clone();
    targets.extend([format!("127.0.0.1:{port}"), format!("{gateway}:{port}")]);
    targets.extend(outside.map(|address| format!("{}:{port}", address.ip())));
    for egress in [false, true] {
        let mut one = dial(&targets);
        one.egress = egress;
        let (_, lines) = house.run(&one).await;
        assert_eq!(lines.len(), targets.len(), "{lines:?}");
        assert!(lines.iter().all(|line| line.starts_with("not ")), "{lines:?}");
    }
    // The front door is there for those that may go out, and nothing beside it.
    house.options.doors = vec![port];
    house.reopen();
    let beside = std::net::TcpListener::bind("0.0.0.0:0").unwrap().local_addr().unwrap().port();
    for (egress, wanted) in [(true, "reached"), (false, "not")] {
        let mut one = dial(&[format!("{gateway}:{port}"), format!("{gateway}:{beside}")]);
        one.egress = egress;
        let (_, lines) = house.run(&one).await;
        assert!(lines[0].starts_with(wanted) && lines[1].starts_with("not"), "egress {egress}: {lines:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_way_out_is_open_only_when_allowed() {
    let Some(house) = house("egress") else { return };
    let world = World::new();
    let target = [format!("{}:7000", world.address)];
    for (egress, wanted) in [(true, "reached"), (false, "not")] {
        let mut one = dial(&target);
        one.egress = egress;
        let (_, lines) = house.run(&one).await;
        assert!(lines[0].starts_with(wanted), "egress {egress}: {lines:?}");
    }
    // Without a way out, look-ups fail at once.
    let quick = "import socket, time\nbegun = time.time()\ntry: socket.getaddrinfo('example.com', 80)\nexcept OSError: pass\nprint(time.time() - begun < 1)\nprint(socket.getfqdn() != '')";
    let (_, lines) = house.run(&spec(&["/usr/bin/python3", "-c", quick])).await;
    assert_eq!(lines, ["True", "True"]);
}

/// Instances come and go, and the engine is opened anew as after a crash of control, over a network that is there already.
#[tokio::test(flavor = "multi_thread")]
async fn the_way_out_stays_open_whatever_happens_beside_it() {
    let Some(mut house) = house("egress-stays") else { return };
    let world = World::new();
    let script = format!(
        "import socket, time\nwhile True:\n\x20try: socket.create_connection(('{}', 7000), 10).close(); print('reached')\n\
         \x20except OSError as error: print('not', error)\n\x20time.sleep(0.02)\n",
        world.address
    );
    for round in 0..6 {
        // Their ends of the bridge get link addresses by chance, most of them one below the next instance's.
        let others: Vec<_> = (0..4).map(|_| spec(&["sleep", "600"])).collect();
        for other in &others {
            house.start(other).await;
        }
        if round % 2 == 0 {
            house.reopen();
        }
        let mut one = spec(&["/usr/bin/python3", "-u", "-c", &script]);
        one.egress = true;
        house.start(&one).await;
        house.until(&one, "reached").await;
        for other in &others {
            house.engine.kill(&other.id).await.unwrap();
        }
        if round % 3 == 0 {
            house.reopen();
            house.start(&spec(&["true"])).await;
        }
        let before = house.lines(&one).len();
        let begun = Instant::now();
        while house.lines(&one).len() < before + 10 {
            assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", house.lines(&one));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let lost: Vec<String> = house.lines(&one).into_iter().filter(|line| line != "reached").collect();
        assert_eq!(lost, Vec::<String>::new(), "round {round}");
        house.engine.kill(&one.id).await.unwrap();
    }
}

/// Something outside of the host: a network namespace behind a pair of links.
struct World {
    name: String,
    address: String,
    server: std::process::Child,
}

impl World {
    /// With addresses of the range for benchmarks (RFC 2544) that no other test process has.
    fn new() -> Self {
        let id = std::process::id();
        let name = format!("plw{id}");
        let near = std::net::Ipv4Addr::from((198 << 24 | 18 << 16) + (id % (1 << 15)) * 4 + 1);
        let address = std::net::Ipv4Addr::from(u32::from(near) + 1).to_string();
        run(&["ip", "netns", "add", &name]);
        run(&["ip", "link", "add", &name, "type", "veth", "peer", "name", "eth0", "netns", &name]);
        run(&["ip", "addr", "add", &format!("{near}/30"), "dev", &name]);
        run(&["ip", "link", "set", &name, "up"]);
        for words in
            [["addr", "add", &format!("{address}/30"), "dev", "eth0"].as_slice(), &["link", "set", "eth0", "up"]]
        {
            run(&[&["ip", "-n", &name], words].concat());
        }
        let script = format!(
            "import socket\ns=socket.socket();s.setsockopt(1,2,1);s.bind(('{address}',7000));s.listen()\n\
             print('up',flush=True)\nwhile 1: s.accept()[0].close()"
        );
        #[expect(clippy::disallowed_methods, reason = "the outside of a test")]
        let mut server = std::process::Command::new("ip")
            .args(["netns", "exec", &name, "/usr/bin/python3", "-c", &script])
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let mut up = [0; 2];
        std::io::Read::read_exact(server.stdout.as_mut().unwrap(), &mut up).unwrap();
        Self { name, address, server }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
        run(&["ip", "netns", "del", &self.name]);
    }
}

fn run(words: &[&str]) {
    #[expect(clippy::disallowed_methods, reason = "the outside of a test")]
    let status = std::process::Command::new(words[0]).args(&words[1..]).status().unwrap();
    assert!(status.success(), "{words:?}");
}

/// A gzipped tar of (path, kind, content or target).
fn archive(path: &Path, entries: &[(&str, tar::EntryType, &str)]) {
    let mut builder = tar::Builder::new(flate2::write::GzEncoder::new(
        std::fs::File::create(path).unwrap(),
        flate2::Compression::fast(),
    ));
    for (name, kind, content) in entries {
        let mut header = tar::Header::new_gnu();
        header.as_gnu_mut().unwrap().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_entry_type(*kind);
        header.set_mode(if kind.is_dir() { 0o755 } else { 0o4755 });
        header.set_mtime(1_000_000_000);
        let file = kind.is_file();
        if !file && !content.is_empty() {
            header.set_link_name_literal(content).unwrap();
        }
        header.set_size(if file { content.len() as u64 } else { 0 });
        header.set_cksum();
        builder.append(&header, if file { content.as_bytes() } else { b"" }).unwrap();
    }
    builder.into_inner().unwrap().finish().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn droplets_are_shared_and_each_writes_to_its_own() {
    let Some(house) = house("layers") else { return };
    use tar::EntryType as Kind;
    let droplet = house.root.join("droplet.tgz");
    archive(
        &droplet,
        &[
            ("./", Kind::Directory, ""),
            ("./app/", Kind::Directory, ""),
            ("./app/run", Kind::Regular, "#!/bin/bash\necho from $(cat data)\n"),
            ("./app/data", Kind::Regular, "the droplet"),
            ("./deps/python", Kind::Symlink, "/usr/bin/python3"),
            ("./app/link", Kind::Link, "app/data"),
        ],
    );
    let layer = house.engine.layer("0123456789abcdef", &droplet).await.unwrap();
    assert_eq!(house.engine.layer("0123456789abcdef", Path::new("/nowhere")).await.unwrap(), layer);
    let app = |script: &str| {
        let mut one = sh(script);
        one.root.layers = vec![layer.clone()];
        one.cwd = "/home/vcap/app".into();
        one
    };
    let writer = app(
        "./run; echo changed > data; ./run; rm run; ls; /home/vcap/deps/python -c 'print(1)'; stat -c '%A %Y' ../app/link",
    );
    let (kind, lines) = house.run(&writer).await;
    assert_eq!(
        (kind, lines.join("|")),
        (ExitKind::Code { code: 0 }, "from the droplet|from changed|data|link|1|-rwxr-xr-x 1000000000".to_owned())
    );
    assert_eq!(house.run(&app("./run")).await.1, ["from the droplet"]);
    let (_, mounts) = house.run(&app("grep overlay /proc/self/mountinfo")).await;
    assert!(!mounts.join(" ").contains("engine/layers"), "no path of the platform shows: {mounts:?}");
    // Not in use by anybody: it goes; named: it stays.
    assert!(house.engine.gc(["0123456789abcdef".to_owned()].into()).await.unwrap().is_empty());
    for one in house.engine.list().await.unwrap() {
        house.engine.forget(&one.id).await.unwrap();
    }
    assert_eq!(house.engine.gc(Default::default()).await.unwrap(), ["0123456789abcdef"]);
    assert!(!layer.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn archives_cannot_write_outside() {
    let Some(house) = house("archives") else { return };
    use tar::EntryType as Kind;
    type Case<'a> = (&'a [(&'a str, Kind, &'a str)], &'a str);
    let cases: &[Case] = &[
        (&[("../x", Kind::Regular, "x")], "points out of the archive"),
        (&[("/tmp/x", Kind::Regular, "x")], "points out of the archive"),
        (&[("a/../../x", Kind::Regular, "x")], "points out of the archive"),
        (&[("a", Kind::Symlink, "/tmp"), ("a/x", Kind::Regular, "x")], "through a link"),
        (&[("b/c/", Kind::Directory, ""), ("a", Kind::Symlink, "b"), ("a/c/x", Kind::Regular, "x")], "through a link"),
        (&[("a", Kind::Symlink, "../../x")], "points out of the archive"),
        (&[("a", Kind::Link, "/etc/shadow")], "points out of the archive"),
        (&[("a", Kind::Symlink, "/etc"), ("b", Kind::Link, "a/shadow")], ""),
        (&[("a", Kind::Block, "")], "device"),
        (&[("a", Kind::Fifo, "")], "device"),
        (&[("a", Kind::Regular, "x"), ("a/b", Kind::Regular, "x")], "through a link or a file"),
    ];
    for (number, (entries, words)) in cases.iter().enumerate() {
        let path = house.root.join("bad.tgz");
        archive(&path, entries);
        let error = house.engine.layer(&format!("0000000{number:02}"), &path).await.unwrap_err().to_string();
        assert!(error.contains(words), "{entries:?}: {error}");
    }
    std::fs::write(house.root.join("noise"), "no archive at all").unwrap();
    assert!(house.engine.layer("00000000", &house.root.join("noise")).await.is_err());
    assert!(house.engine.layer("../../etc", &house.root.join("noise")).await.is_err());
    assert_eq!(std::fs::read_dir(house.root.join("engine/layers")).unwrap().count(), 0, "nothing half-made stays");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_imported_stack_is_the_root() {
    let Some(house) = house("stack") else { return };
    use tar::EntryType as Kind;
    // The smallest root file system: one static program would do; the host's own shell with its libraries is at hand.
    let tar = house.root.join("stack.tgz");
    let mut builder = tar::Builder::new(flate2::write::GzEncoder::new(
        std::fs::File::create(&tar).unwrap(),
        flate2::Compression::fast(),
    ));
    builder.follow_symlinks(true);
    for path in [
        "usr/bin/bash",
        "usr/bin/cat",
        "lib64/ld-linux-x86-64.so.2",
        "lib/x86_64-linux-gnu/libc.so.6",
        "lib/x86_64-linux-gnu/libtinfo.so.6",
    ] {
        builder.append_path_with_name(Path::new("/").join(path), path).unwrap();
    }
    let mut device = tar::Header::new_gnu();
    device.set_path("dev/sda").unwrap();
    device.set_entry_type(Kind::Block);
    device.set_size(0);
    device.set_cksum();
    builder.append(&device, &b""[..]).unwrap();
    builder.into_inner().unwrap().finish().unwrap();
    house.engine.import_stack("tiny", &tar).await.unwrap();
    assert_eq!(house.engine.stacks(), ["host", "tiny"]);
    assert!(refused(&house.engine.import_stack("tiny", &tar).await.unwrap_err()).contains("already"));
    for name in ["", "../x", "a/b", ".x"] {
        assert!(house.engine.import_stack(name, &tar).await.is_err());
    }
    let shown = house.root.join("shown");
    std::fs::create_dir(&shown).unwrap();
    std::fs::write(shown.join("file"), "shown").unwrap();
    let mut one = sh("cat /etc/passwd /shared/file; echo x > /shared/y || echo read-only; echo /usr/bin/*");
    one.root.stack = "tiny".into();
    one.root.mounts = vec![Mount { source: shown.clone(), target: "/home/vcap/../../shared".into(), writable: false }];
    assert!(refused(&house.engine.start(&one).await.unwrap_err()).contains("cannot be shown"));
    one.root.mounts[0].target = "/shared".into();
    one.limits.pids = 8;
    let (kind, lines) = house.run(&one).await;
    assert_eq!(kind, ExitKind::Code { code: 0 }, "{lines:?}");
    assert!(
        lines.iter().any(|line| line.starts_with("vcap:x:2000")) && lines.iter().any(|line| line.contains("shown")),
        "{lines:?}"
    );
    assert!(
        lines.iter().any(|line| line.ends_with("read-only"))
            && lines.contains(&"/usr/bin/bash /usr/bin/cat".to_owned()),
        "{lines:?}"
    );
    let _ = Duration::ZERO;
}
