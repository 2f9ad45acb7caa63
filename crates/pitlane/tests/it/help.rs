//! Every command teaches itself.

use super::program::Person;

#[tokio::test]
async fn help_of_every_command() {
    let person = Person::new();
    let whole = person.runs(&["--help"]).await;
    let commands: Vec<&str> = whole
        .out
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter_map(|line| {
            line.strip_prefix("  ")?.split(' ').next().filter(|name| !name.is_empty() && *name != "help")
        })
        .collect();
    let mut text = String::new();
    for command in [
        "login",
        "logout",
        "target",
        "push",
        "apps",
        "app",
        "logs",
        "scale",
        "start",
        "stop",
        "restart",
        "env",
        "set-env",
        "unset-env",
        "map",
        "unmap",
        "routes",
        "run",
        "tasks",
        "events",
        "delete",
        "rename",
        "orgs",
        "spaces",
        "create-org",
        "create-space",
        "passwd",
    ] {
        assert!(commands.contains(&command), "{command} is listed");
        let help = person.runs(&[command, "--help"]).await;
        assert_eq!(help.status, 0);
        assert!(help.out.contains("Examples:"), "{command} has examples");
        text += &format!("=== {command}\n{}\n", help.out);
    }
    insta::assert_snapshot!(text);
}

#[tokio::test]
async fn a_wrong_command_line_exits_with_2() {
    let person = Person::new();
    for arguments in [
        &["nonsense"][..],
        &["push", "--nonsense"],
        &["app"],
        &["stop"],
        &["scale", "x", "-m", "much"],
        &["login", "ftp://x"],
        &["login"],
        &["logs", "x", "-n", "0"],
    ] {
        let said = person.runs(arguments).await;
        assert_eq!((said.status, said.out.as_str()), (2, ""), "{arguments:?}: {}", said.err);
        assert!(!said.err.is_empty());
    }
}
