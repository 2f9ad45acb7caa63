//! `cf push` in miniature: from flags and a manifest to what the command prints and how it exits, by the same requests in the
//! same order, judged as strictly. It knows nothing of Pitlane.

use super::client::{Cf, Reply, string};
use super::push::{assign, package, summary};
use super::shape;
use serde_json::{Value, json};
use std::path::Path;
use std::time::{Duration, Instant};

/// What was typed.
#[derive(Default, Clone)]
pub struct Push<'p> {
    /// APP_NAME; without one, all of the manifest.
    pub name: Option<&'p str>,
    /// `-f`
    pub manifest: Option<Value>,
    /// `-p`, zipped.
    pub bits: Option<&'p Path>,
    /// `--droplet`
    pub droplet: Option<&'p Path>,
    /// `-c`; `null` and `default` go back to what is detected.
    pub command: Option<&'p str>,
    /// `-b`
    pub buildpack: Option<&'p str>,
    /// `-i`
    pub instances: Option<i64>,
    /// `-m`
    pub memory: Option<i64>,
    /// `-k`
    pub disk: Option<i64>,
    /// `--no-route`
    pub no_route: bool,
    /// `--random-route`
    pub random_route: bool,
    /// `--no-start`
    pub no_start: bool,
    /// `--task`
    pub task: bool,
    /// `--strategy`
    pub strategy: Option<&'p str>,
    /// `--instance-steps`
    pub steps: &'p [i64],
    /// `--max-in-flight`
    pub max_in_flight: Option<i64>,
}

/// What came of it.
#[derive(Debug)]
pub struct Pushed {
    /// 0, or 1 with the last line as reason.
    pub exit: i32,
    /// What is printed.
    pub lines: Vec<String>,
}

impl Pushed {
    #[track_caller]
    pub fn well(self) -> Self {
        assert_eq!(self.exit, 0, "{}", self.lines.join("\n"));
        self
    }

    #[track_caller]
    pub fn says(&self, words: &str) -> &Self {
        assert!(self.lines.iter().any(|line| line.contains(words)), "{words}: {}", self.lines.join("\n"));
        self
    }

    #[track_caller]
    pub fn fails(self, words: &str) -> Self {
        assert_eq!(self.exit, 1, "{}", self.lines.join("\n"));
        self.says(words);
        self
    }
}

/// Why a command ends early.
struct Failed;

struct Run<'r> {
    cf: &'r Cf,
    push: &'r Push<'r>,
    lines: Vec<String>,
}

/// Runs the command.
#[track_caller]
pub fn push(cf: &Cf, push: &Push<'_>) -> Pushed {
    let mut run = Run { cf, push, lines: Vec::new() };
    let exit = if run.all().is_ok() { 0 } else { 1 };
    Pushed { exit, lines: run.lines }
}

impl Run<'_> {
    fn say(&mut self, line: impl Into<String>) {
        self.lines.push(line.into());
    }

    fn fail<T>(&mut self, line: impl Into<String>) -> Result<T, Failed> {
        self.lines.push("FAILED".into());
        self.lines.push(line.into());
        Err(Failed)
    }

    fn all(&mut self) -> Result<(), Failed> {
        let manifest = self.manifest();
        let text = yaml(&manifest);
        let space = format!("/v3/spaces/{}", self.cf.space);
        if self.push.manifest.is_some() {
            let diff = self.cf.yaml(&format!("{space}/manifest_diff"), &text);
            // Anything but these two is a warning only.
            if matches!(diff.status, 404 | 422) {
                return self.refused(&diff);
            }
            for one in diff.is(201).json["diff"].as_array().expect("a list") {
                assert!(matches!(one["op"].as_str(), Some("add" | "remove" | "replace")), "{one}");
                assert!(one["path"].as_str().is_some_and(|path| path.starts_with("/applications/")), "{one}");
                self.say(format!("{} {}", string(&one["op"]), string(&one["path"])));
            }
        }
        let applied = self.cf.yaml(&format!("{space}/actions/apply_manifest"), &text);
        if applied.status != 202 {
            return self.refused(&applied);
        }
        self.job(&applied)?;
        let names: Vec<String> =
            manifest["applications"].as_array().expect("a list").iter().map(|one| string(&one["name"])).collect();
        let wanted: Vec<String> = match self.push.name {
            Some(name) => vec![name.to_owned()],
            None => names,
        };
        let found = self.cf.list("/v3/apps", &[("names", &wanted.join(",")), ("space_guids", &self.cf.space)]);
        for name in &wanted {
            let app = found.resources().iter().find(|one| one["name"] == name.as_str());
            let app = app.unwrap_or_else(|| panic!("{name} was not made by its manifest")).clone();
            shape::app(&app);
            assert_eq!(app["lifecycle"]["type"], "buildpack", "else the client takes it for another kind of push");
            self.one(&app)?;
        }
        Ok(())
    }

    /// The manifest that is sent: the file, or one of its own making, with the flags put in.
    fn manifest(&self) -> Value {
        let push = self.push;
        let own = || json!({"applications": [{"name": push.name.expect("a name or a manifest")}]});
        let mut manifest = push.manifest.clone().unwrap_or_else(own);
        let apps = manifest["applications"].as_array_mut().expect("a list");
        if let Some(name) = push.name {
            if apps.len() > 1 {
                apps.retain(|app| app["name"] == name);
            }
            apps[0]["name"] = json!(name);
        }
        for app in apps {
            let map = app.as_object_mut().expect("a map");
            map.remove("path");
            if let Some(quota) = map.remove("disk_quota") {
                map.insert("disk-quota".into(), quota);
            }
            let mut set = |key: &str, value: Value| drop(map.insert(key.to_owned(), value));
            if let Some(command) = push.command {
                set("command", if matches!(command, "null" | "default") { Value::Null } else { json!(command) });
            }
            if let Some(buildpack) = push.buildpack {
                let detect = matches!(buildpack, "null" | "default");
                set("buildpacks", if detect { json!([]) } else { json!([buildpack]) });
            }
            // With a strategy these belong to the deployment.
            if push.strategy.is_none() {
                if let Some(instances) = push.instances {
                    set("instances", json!(instances));
                }
                for (key, size) in [("memory", push.memory), ("disk-quota", push.disk)] {
                    if let Some(size) = size {
                        set(key, json!(format!("{size}MB")));
                    }
                }
            }
            if push.no_route || push.task {
                set("no-route", json!(true));
            }
            if push.random_route {
                set("random-route", json!(true));
            }
            if map.get("no-route") != Some(&json!(true)) && map.get("random-route") != Some(&json!(true)) {
                map.insert("default-route".into(), json!(true));
            }
        }
        manifest
    }

    /// All errors are printed.
    fn refused<T>(&mut self, reply: &Reply) -> Result<T, Failed> {
        let details: Vec<String> =
            reply.json["errors"].as_array().expect("errors").iter().map(|one| string(&one["detail"])).collect();
        self.fail(details.join("\n"))
    }

    /// Polled at once; each further poll would cost three seconds.
    fn job(&mut self, accepted: &Reply) -> Result<(), Failed> {
        let location = accepted.headers["location"].to_str().expect("text").to_owned();
        let job = self.cf.get(&location, &[]).json;
        shape::job(&job);
        for warning in job["warnings"].as_array().expect("a list") {
            self.say(string(&warning["detail"]));
        }
        match job["state"].as_str() {
            Some("COMPLETE") => Ok(()),
            Some("FAILED") => self.fail(string(&job["errors"][0]["detail"])),
            _ => panic!("the job is not over at its first poll: {job}"),
        }
    }

    fn one(&mut self, app: &Value) -> Result<(), Failed> {
        let (guid, name) = (string(&app["guid"]), string(&app["name"]));
        if self.push.no_start {
            package(self.cf, &guid, self.push.bits.expect("-p"));
            if app["state"] == "STARTED" {
                self.cf.act(&format!("/v3/apps/{guid}/actions/stop")).is(200);
            }
            self.print(&name);
            return Ok(());
        }
        let droplet = match self.push.droplet {
            Some(archive) => self.upload_droplet(&guid, archive)?,
            None => self.stage(&guid, &name)?,
        };
        if self.push.task {
            self.cf.act(&format!("/v3/apps/{guid}/actions/stop")).is(200);
            assign(self.cf, &guid, &droplet);
            self.print(&name);
            return Ok(());
        }
        match self.push.strategy {
            Some(strategy) => self.deploy(&guid, &droplet, strategy)?,
            None => {
                assign(self.cf, &guid, &droplet);
                let restarted = self.cf.act(&format!("/v3/apps/{guid}/actions/restart"));
                if restarted.status != 200 {
                    return self.refused(&restarted);
                }
            }
        }
        self.started(&guid)?;
        self.print(&name);
        Ok(())
    }

    fn upload_droplet(&mut self, app: &str, archive: &Path) -> Result<String, Failed> {
        let made =
            self.cf.post("/v3/droplets", &json!({"relationships": {"app": {"data": {"guid": app}}}})).is(201).guid();
        let uploaded = self.cf.upload(&format!("/v3/droplets/{made}/upload"), None, archive, "droplet.tgz");
        self.job(&uploaded)?;
        Ok(made)
    }

    /// Package, build and, in parallel, its log.
    fn stage(&mut self, app: &str, name: &str) -> Result<String, Failed> {
        let package = package(self.cf, app, self.push.bits.expect("-p"));
        self.cf.app(name);
        let build = self.cf.post("/v3/builds", &json!({"package": {"guid": package}}));
        if build.status != 201 {
            return self.refused(&build);
        }
        shape::build(&build.json);
        let info = self.cf.get("/api/v1/info", &[]).json;
        assert!(info["version"].as_str().is_some_and(|version| version >= "2.0.0"), "{info}");
        let read = format!("/api/v1/read/{app}");
        let newest = shape::envelopes(&self.cf.get(&read, &[("descending", "true"), ("limit", "1")]).json);
        let mut from = newest.first().map_or(0, |one| at(one) - 1_000_000_000);
        let path = format!("/v3/builds/{}", build.guid());
        let end = Instant::now() + Duration::from_secs(120);
        loop {
            let state = self.cf.get(&path, &[]).json;
            let batch = self.cf.get(&read, &[("envelope_types", "LOG"), ("start_time", &from.to_string())]);
            for one in shape::envelopes(&batch.json) {
                assert!(at(&one) >= from, "an envelope from before what was asked for: {one}");
                from = at(&one) + 1;
                if one["tags"]["source_type"] == "STG" {
                    self.say(format!("[STG] {}", super::logs::decoded(one["log"]["payload"].as_str().expect("text"))));
                }
            }
            match state["state"].as_str() {
                Some("STAGED") => {
                    let droplet = string(&state["droplet"]["guid"]);
                    shape::droplet(&self.cf.get(&format!("/v3/droplets/{droplet}"), &[]).json);
                    return Ok(droplet);
                }
                Some("FAILED") => return self.fail(format!("Error staging application: {}", string(&state["error"]))),
                _ => assert!(Instant::now() < end, "staging does not end: {state}"),
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn deploy(&mut self, app: &str, droplet: &str, strategy: &str) -> Result<(), Failed> {
        let push = self.push;
        let mut body = json!({"droplet": {"guid": droplet}, "strategy": strategy,
            "relationships": {"app": {"data": {"guid": app}}}});
        let sizes = [push.instances, push.memory, push.disk];
        if sizes.iter().any(Option::is_some) || push.max_in_flight.is_some() || !push.steps.is_empty() {
            body["options"] = json!({"web_instances": push.instances, "memory_in_mb": push.memory,
                "disk_in_mb": push.disk, "log_rate_limit_in_bytes_per_second": null});
            if let Some(most) = push.max_in_flight {
                body["options"]["max_in_flight"] = json!(most);
            }
            if !push.steps.is_empty() {
                let steps: Value = push.steps.iter().map(|weight| json!({"instance_weight": weight})).collect();
                body["options"]["canary"] = json!({"steps": steps});
            }
        }
        let deployed = self.cf.post("/v3/deployments", &body);
        if deployed.status != 201 {
            return self.refused(&deployed);
        }
        match follow(self.cf, &deployed.guid()) {
            Err(words) => self.fail(words),
            Ok(line) => {
                self.say(line);
                Ok(())
            }
        }
    }

    /// Every process has an instance that runs, or none at all.
    fn started(&mut self, app: &str) -> Result<(), Failed> {
        let processes = self.cf.list(&format!("/v3/apps/{app}/processes"), &[]).resources().clone();
        let end = Instant::now() + Duration::from_secs(60);
        for process in processes {
            shape::process(&process);
            let path = format!("/v3/processes/{}/stats", string(&process["guid"]));
            loop {
                let stats = self.cf.get(&path, &[]);
                let all = stats.resources();
                all.iter().for_each(shape::stats);
                if all.is_empty() || all.iter().any(|one| one["state"] == "RUNNING") {
                    break;
                }
                if all.iter().all(|one| one["state"] == "CRASHED") {
                    return self.fail("Start unsuccessful");
                }
                assert!(Instant::now() < end, "it does not start: {}", stats.text);
                std::thread::sleep(Duration::from_millis(50));
            }
        }
        Ok(())
    }

    /// The summary, as `cf app` prints it.
    fn print(&mut self, name: &str) {
        let app = summary(self.cf, name);
        let guid = string(&app["guid"]);
        self.say(format!("name: {name}"));
        self.say(format!("requested state: {}", string(&app["state"]).to_lowercase()));
        let routes = self.cf.list(&format!("/v3/apps/{guid}/routes"), &[]);
        let urls: Vec<String> = routes.resources().iter().map(|one| string(&one["url"])).collect();
        self.say(format!("routes: {}", urls.join(", ")));
        let processes = self.cf.list(&format!("/v3/apps/{guid}/processes"), &[]);
        for process in processes.resources() {
            let path = format!("/v3/processes/{}", string(&process["guid"]));
            self.say(format!("type: {}", string(&process["type"])));
            let sidecars = self.cf.list(&format!("{path}/sidecars"), &[]).names();
            self.say(format!("sidecars: {}", sidecars.join(", ")));
            let stats = self.cf.get(&format!("{path}/stats"), &[]);
            let running = stats.resources().iter().filter(|one| one["state"] == "RUNNING").count();
            self.say(format!("instances: {running}/{}", process["instances"]));
            self.say(format!("memory usage: {}M", process["memory_in_mb"]));
            let command = self.cf.get(&path, &[]).json["command"].clone();
            self.say(format!("start command: {}", command.as_str().unwrap_or_default()));
        }
    }
}

/// Polls a deployment until it is done, or waits to be continued; answers what is said then.
pub fn follow(cf: &Cf, guid: &str) -> Result<String, String> {
    let path = format!("/v3/deployments/{guid}");
    let end = Instant::now() + Duration::from_secs(120);
    loop {
        let shown = cf.get(&path, &[]).json;
        shape::deployment(&shown);
        let status = &shown["status"];
        match (status["value"].as_str(), status["reason"].as_str()) {
            (Some("FINALIZED"), Some("DEPLOYED")) => return Ok("Deployment done".into()),
            (Some("FINALIZED"), Some("CANCELED")) => return Err("Deployment has been canceled".into()),
            (Some("FINALIZED"), Some("SUPERSEDED")) => return Err("Deployment has been superseded".into()),
            (Some("ACTIVE"), Some("PAUSED")) => {
                let steps = &status["canary"]["steps"];
                return Ok(format!(
                    "Active deployment with status PAUSED, step {} of {}",
                    steps["current"], steps["total"]
                ));
            }
            (Some("ACTIVE"), Some("DEPLOYING" | "CANCELING")) => {}
            _ => panic!("no status that is known: {shown}"),
        }
        assert!(Instant::now() < end, "it does not end: {shown}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn at(envelope: &Value) -> i64 {
    envelope["timestamp"].as_str().expect("text").parse().expect("nanoseconds")
}

/// Block style, as the client writes it.
fn yaml(value: &Value) -> String {
    fn write(value: &Value, indent: usize, out: &mut String) {
        let pad = " ".repeat(indent);
        match value {
            Value::Object(map) if !map.is_empty() => {
                for (key, value) in map {
                    out.push_str(&format!("{pad}{key}:"));
                    nested(value, indent + 2, out);
                }
            }
            Value::Array(list) if !list.is_empty() => {
                for value in list {
                    let mut inner = String::new();
                    write(value, indent + 2, &mut inner);
                    out.push_str(&format!("{pad}- {}", inner.trim_start()));
                }
            }
            // JSON's scalars, empty maps and lists are YAML.
            other => out.push_str(&format!("{pad}{other}\n")),
        }
    }
    fn nested(value: &Value, indent: usize, out: &mut String) {
        let block = value.as_object().is_some_and(|map| !map.is_empty())
            || value.as_array().is_some_and(|list| !list.is_empty());
        if block {
            out.push('\n');
            write(value, indent, out);
        } else {
            out.push_str(&format!(" {value}\n"));
        }
    }
    let mut out = String::from("---\n");
    write(value, 0, &mut out);
    out
}
