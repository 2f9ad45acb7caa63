//! `pitlane map`.

use crate::client::Context;
use crate::client::api::Api;
use crate::client::failure::{Failure, Result};
use crate::client::shapes::{Domain, Route};
use crate::client::summary::url;
use reqwest::Method;
use serde_json::json;

pub(in crate::client) const EXAMPLES: &str = "\
Examples:
  pitlane map shop www.example.org   a whole address; its domain must be known
  pitlane map shop boutique          a host of the default domain
  pitlane map shop shop.apps.localhost/api";

#[derive(Debug, clap::Args)]
pub struct Map {
    /// The app
    name: String,
    /// HOST, HOST.DOMAIN or HOST.DOMAIN/PATH
    address: String,
}

impl Map {
    pub(in crate::client) async fn run(self, context: &Context) -> Result<()> {
        let api = context.api()?;
        let (app, address) = tokio::try_join!(api.app(&self.name), resolve(&api, &self.address))?;
        let route = match address.find(&api).await? {
            Some(route) => route,
            None => {
                let body = json!({
                    "host": address.host, "path": address.path,
                    "relationships": {
                        "space": {"data": {"guid": api.space()?.guid}},
                        "domain": {"data": {"guid": address.domain.guid}},
                    },
                });
                api.post("/v3/routes", &body).await?
            }
        };
        let path = format!("/v3/routes/{}/destinations", route.guid);
        api.change(Method::POST, &path, &json!({"destinations": [{"app": {"guid": app.guid}}]})).await?;
        let url = url(api.http.target(), &route);
        context.printer.talk(format!("`{}` answers on", self.name));
        match context.printer.json() {
            true => context.printer.value(&json!({"app": self.name, "url": url, "route": route.guid})),
            false => context.printer.line(url),
        }
        Ok(())
    }
}

/// Host, domain and path of an address.
pub(super) struct Address {
    pub(super) host: String,
    pub(super) path: String,
    pub(super) domain: Domain,
}

impl Address {
    /// The route, if there is one that can be seen.
    pub(super) async fn find(&self, api: &Api) -> Result<Option<Route>> {
        let query = [("domain_guids", self.domain.guid.as_str()), ("hosts", &self.host), ("paths", &self.path)];
        Ok(api
            .list::<Route>("/v3/routes", &query)
            .await?
            .into_iter()
            .find(|route| route.host == self.host && route.path == self.path))
    }
}

/// Takes an address apart by the organization's domains, the longest first; a lone word is a host of the default one.
pub(super) async fn resolve(api: &Api, text: &str) -> Result<Address> {
    let plain = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).unwrap_or(text);
    let (name, path) = plain.split_once('/').map_or((plain, String::new()), |(name, path)| (name, format!("/{path}")));
    // As copied from a browser: the port is the front door's, not the route's.
    let name = name.split(':').next().unwrap_or(name).to_lowercase();
    let path = path.trim_end_matches('/').to_owned();
    let org = &api.org()?.guid;
    if !name.contains('.') {
        let domain: Domain = api.get(&format!("/v3/organizations/{org}/domains/default"), &[]).await?;
        return Ok(Address { host: name, path, domain });
    }
    let mut domains: Vec<Domain> = api.list(&format!("/v3/organizations/{org}/domains"), &[]).await?;
    domains.retain(|domain| !domain.internal);
    domains.sort_by_key(|domain| std::cmp::Reverse(domain.name.len()));
    let found = domains.iter().find_map(|domain| {
        let host = name.strip_suffix(&domain.name)?;
        (host.is_empty() || host.ends_with('.')).then(|| (host.trim_end_matches('.').to_owned(), domain.clone()))
    });
    let (host, domain) = found.ok_or_else(|| {
        let names: Vec<&str> = domains.iter().map(|domain| domain.name.as_str()).collect();
        Failure::new(format!("`{name}` lies in no domain of this organization"))
            .hint(format!("there is: {}; an administrator adds domains", names.join(", ")))
    })?;
    Ok(Address { host, path, domain })
}
