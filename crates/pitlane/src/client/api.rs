//! The Cloud Foundry API v3 as the commands use it (cloud-foundry.md 2).

use super::config::{Named, Store, Target};
use super::failure::{Failure, Result};
use super::http::{Http, expect_success};
use super::printer::Printer;
use super::shapes::{App, Job, Page};
use super::uaa;
use reqwest::{Method, Response};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::time::Duration;
use tokio::sync::Mutex;

/// A query's parameters.
pub(crate) type Query<'a> = &'a [(&'a str, &'a str)];

/// One server with somebody logged in.
pub(crate) struct Api {
    pub(crate) http: Http,
    pub(crate) printer: Printer,
    pub(crate) target: Target,
    store: Store,
    token: Mutex<(String, i64)>,
}

impl Api {
    /// For the server at `url`, whose entry `target` is.
    pub(crate) fn new(url: &str, target: Target, store: Store, printer: Printer, skip: bool) -> Result<Self> {
        let token = target.access_token.clone().ok_or_else(|| not_logged_in(url))?;
        let http = Http::new(url, skip || target.skip_ssl_validation, printer.clone())?;
        let token = Mutex::new((token, target.expires_at));
        Ok(Self { http, printer, target, store, token })
    }

    /// The access token, renewed if it ends within a minute.
    pub(crate) async fn token(&self) -> Result<String> {
        let mut token = self.token.lock().await;
        if token.1 - jiff::Timestamp::now().as_second() < 60 {
            *token = uaa::refresh(&self.http, &self.store).await?;
        }
        Ok(token.0.clone())
    }

    /// GET.
    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str, query: Query<'_>) -> Result<T> {
        let response = self.send(Method::GET, path, query, None).await?;
        read(response).await
    }

    /// GET, `None` if it is not found.
    pub(crate) async fn find<T: DeserializeOwned>(&self, path: &str) -> Result<Option<T>> {
        match self.get(path, &[]).await {
            Ok(found) => Ok(Some(found)),
            Err(failure) if failure.is_not_found() => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// All pages of a list.
    pub(crate) async fn list<T: DeserializeOwned>(&self, path: &str, query: Query<'_>) -> Result<Vec<T>> {
        let mut query = query.to_vec();
        if !query.iter().any(|(name, _)| *name == "per_page") {
            query.push(("per_page", "5000"));
        }
        let mut page: Page<T> = self.get(path, &query).await?;
        let mut all = std::mem::take(&mut page.resources);
        while let Some(next) = page.pagination.next {
            page = self.get(&next.href, &[]).await?;
            all.append(&mut page.resources);
        }
        Ok(all)
    }

    /// POST, PATCH, PUT or DELETE with a JSON body.
    pub(crate) async fn change(&self, method: Method, path: &str, body: &Value) -> Result<Response> {
        self.send(method, path, &[], Some(body)).await
    }

    /// POST with what is created as its answer.
    pub(crate) async fn post<T: DeserializeOwned>(&self, path: &str, body: &Value) -> Result<T> {
        read(self.change(Method::POST, path, body).await?).await
    }

    /// DELETE, waiting for its job.
    pub(crate) async fn delete(&self, path: &str) -> Result<()> {
        let response = self.send(Method::DELETE, path, &[], None).await?;
        self.job(&response).await
    }

    async fn send(&self, method: Method, path: &str, query: Query<'_>, body: Option<&Value>) -> Result<Response> {
        let url = self.url(path);
        let token = self.token().await?;
        let read = method == Method::GET;
        let response = self.http.send(read, |client| {
            let request = client.request(method.clone(), &url).bearer_auth(&token).query(query);
            match body {
                Some(body) => request.json(body),
                None => request,
            }
        });
        let response = expect_success(response.await?).await.map_err(|failure| self.explain(failure))?;
        self.warn(&response);
        Ok(response)
    }

    /// Sends what `build` makes of the client and the token: uploads, manifests.
    pub(crate) async fn send_with(
        &self,
        build: impl Fn(&reqwest::Client, &str) -> reqwest::RequestBuilder,
    ) -> Result<Response> {
        let token = self.token().await?;
        let response = self.http.send(false, |client| build(client, &token)).await?;
        let response = expect_success(response).await.map_err(|failure| self.explain(failure))?;
        self.warn(&response);
        Ok(response)
    }

    /// The full URL of a path; links of the server pass through.
    pub(crate) fn url(&self, path: &str) -> String {
        if path.contains("://") { path.to_owned() } else { format!("{}{path}", self.http.target()) }
    }

    /// Waits for the job that a response names, if it names one.
    pub(crate) async fn job(&self, response: &Response) -> Result<()> {
        let Some(location) = response.headers().get("Location").and_then(|text| text.to_str().ok()) else {
            return Ok(());
        };
        let location = location.to_owned();
        let mut pause = Duration::from_millis(20);
        loop {
            let job: Job = self.get(&location, &[]).await?;
            match job.state.as_str() {
                "PROCESSING" | "POLLING" => {}
                "FAILED" => {
                    let errors: Vec<String> = job.errors.into_iter().map(|error| error.detail).collect();
                    return Err(Failure::new(if errors.is_empty() {
                        "the server could not do it and did not say why".to_owned()
                    } else {
                        errors.join("\n")
                    }));
                }
                _ => {
                    job.warnings.iter().for_each(|warning| self.printer.warning(&warning.detail));
                    return Ok(());
                }
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 3 / 2).min(Duration::from_millis(500));
        }
    }

    /// The space worked in.
    pub(crate) fn space(&self) -> Result<&Named> {
        self.target.space.as_ref().ok_or_else(|| {
            Failure::new("no space is chosen")
                .hint("run `pitlane target -o ORG -s SPACE`; `pitlane orgs` and `pitlane spaces` list what there is")
        })
    }

    /// The organization worked in.
    pub(crate) fn org(&self) -> Result<&Named> {
        self.target.org.as_ref().ok_or_else(|| {
            Failure::new("no organization is chosen")
                .hint("run `pitlane target -o ORG`; `pitlane orgs` lists what there is")
        })
    }

    /// An app of the space, by name.
    pub(crate) async fn app(&self, name: &str) -> Result<App> {
        let space = self.space()?;
        // A comma in a filter's value is encoded once more than the rest (cloud-foundry.md 2.6).
        let names = name.replace('%', "%25").replace(',', "%2C");
        let found: Vec<App> = self.list("/v3/apps", &[("names", &names), ("space_guids", &space.guid)]).await?;
        found.into_iter().next().ok_or_else(|| {
            Failure::new(format!("there is no app `{name}` in space `{}`", space.name))
                .hint("`pitlane apps` lists them; `pitlane target -s SPACE` changes the space")
        })
    }

    fn explain(&self, failure: Failure) -> Failure {
        match failure.api {
            Some((401, _)) => Failure { api: failure.api, ..not_logged_in(self.http.target()) },
            _ => failure,
        }
    }

    /// The server's warnings: separated by commas, each URL-encoded.
    fn warn(&self, response: &Response) {
        let Some(text) = response.headers().get("X-Cf-Warnings").and_then(|text| text.to_str().ok()) else { return };
        for warning in text.split(',').filter(|warning| !warning.is_empty()) {
            let plus = warning.replace('+', " ");
            self.printer.warning(percent_encoding::percent_decode_str(&plus).decode_utf8_lossy());
        }
    }
}

/// A response's JSON.
pub(crate) async fn read<T: DeserializeOwned>(response: Response) -> Result<T> {
    let url = response.url().path().to_owned();
    let text = response.bytes().await.map_err(|error| Failure::new(format!("the answer broke off: {error}")))?;
    serde_json::from_slice(&text).map_err(|error| {
        Failure::new(format!("the server's answer to {url} is not what was expected: {error}"))
            .hint("is it a Cloud Foundry API of version 3?")
    })
}

/// Nobody is logged in, or no longer.
pub(crate) fn not_logged_in(url: &str) -> Failure {
    Failure::new(format!("you are not logged in to {url}")).hint(format!("run `pitlane login {url}`"))
}
