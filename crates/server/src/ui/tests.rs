use super::*;
use sha2::{Digest, Sha256};
use std::path::Path;

#[test]
fn pages_are_those_paths_and_what_lies_below_them() {
    for page in ["/", "/apps", "/apps/", "/apps/1b2c/logs", "/n/projects/7", "/admin/people", "/story/show/1"] {
        assert!(is_page(page), "{page}");
    }
    for other in
        ["/v3/apps", "/appsx", "/n", "/n/other", "/story", "/env_info", "/signin", "//apps", "/api/platform/people"]
    {
        assert!(!is_page(other), "{other}");
    }
}

/// What is committed in `ui/dist` was built from what is committed in `ui`.
#[test]
fn the_built_pages_are_those_of_their_sources() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ui");
    if !root.join("dist").exists() {
        assert!(FILES.is_empty());
        return;
    }
    let mut sources = Vec::new();
    collect(&root, &root, &mut sources);
    sources.sort();
    let found: String = sources
        .iter()
        .map(|path| {
            let content = std::fs::read(root.join(path)).unwrap();
            let digest: String = Sha256::digest(&content).iter().map(|byte| format!("{byte:02x}")).collect();
            format!("{digest}  {path}\n")
        })
        .collect();
    let recorded = std::fs::read_to_string(root.join("dist/sources.sha256")).unwrap();
    assert_eq!(recorded, found, "ui/dist was built from other sources: run ui/build and commit ui/dist");
    let embedded = FILES.get("index.html").expect("ui/dist has an index.html");
    assert_eq!(embedded.body(), std::fs::read(root.join("dist/index.html")).unwrap());
}

/// As `ui/sources` chooses them.
fn collect(root: &Path, folder: &Path, sources: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
        if path.is_dir() && !["dist", "node_modules", "test"].contains(&name.as_str()) {
            collect(root, &path, sources);
        } else if path.is_file() && !name.ends_with(".md") {
            sources.push(name);
        }
    }
}
