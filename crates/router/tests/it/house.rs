//! A router in a folder of its own, with doubles for control and the applications.

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt};
use http::{Request, Response};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Empty, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use router::{Backend, Options, Protocol, Publisher, Route, Router};
use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixListener};
use tokio::task::JoinHandle;

pub type Body = BoxBody<Bytes, std::io::Error>;

/// A body of one piece.
pub fn text(text: impl Into<Bytes>) -> Body {
    Full::new(text.into()).map_err(|never| match never {}).boxed()
}

/// A body of pieces as they come.
pub fn pieces(receiver: tokio::sync::mpsc::Receiver<Bytes>) -> Body {
    let stream = tokio_stream::wrappers::ReceiverStream::new(receiver).map(|piece| Ok(Frame::data(piece)));
    BodyExt::boxed(StreamBody::new(stream))
}

/// The router and what is around it. Dropped, the doubles end; the router is stopped by `stop` or with its test process.
pub struct House {
    pub folder: TempDir,
    pub publisher: Publisher,
    pub router: Option<Router>,
    pub address: SocketAddr,
    control: Option<JoinHandle<()>>,
    admin: Option<JoinHandle<()>>,
}

impl House {
    /// With a living control process and an empty table.
    pub async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// The same with other options.
    pub async fn with(change: impl FnOnce(&mut Options)) -> Self {
        let mut house = Self::without_control(tempfile::tempdir().unwrap(), change).await;
        house.publisher.replace_all(router::Table::default());
        house.start_control();
        house.until(|health| health["table"]["origin"] == "control").await;
        house
    }

    /// A router alone in `folder`.
    pub async fn without_control(folder: TempDir, change: impl FnOnce(&mut Options)) -> Self {
        std::fs::create_dir_all(folder.path().join("run")).unwrap();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let mut options = Options::new(listener, folder.path(), "apps.localhost");
        options.workers = 2;
        options.timeouts.drain = Duration::from_secs(5);
        change(&mut options);
        let router = tokio::task::spawn_blocking(|| router::start(options)).await.unwrap().unwrap();
        let address = router.addresses()[0];
        Self { folder, publisher: Publisher::new(), router: Some(router), address, control: None, admin: None }
    }

    /// Control: tells the path it was asked for, and publishes the table.
    pub fn start_control(&mut self) {
        let run = self.folder.path().join("run");
        self.control = Some(serve_unix(&run.join("control.sock"), |request: Request<Incoming>| async move {
            let id = request.headers()["x-vcap-request-id"].to_str().unwrap().to_owned();
            let said = format!("control {} {id}", request.uri().path());
            Response::new(text(said))
        }));
        let publisher = self.publisher.clone();
        self.admin = Some(serve_unix(&run.join("admin.sock"), move |request: Request<Incoming>| {
            let publisher = publisher.clone();
            async move {
                if request.uri().path() == "/table/report" {
                    let report = request.into_body().collect().await.unwrap().to_bytes();
                    publisher.report(serde_json::from_slice(&report).unwrap());
                    return Response::new(text(String::new()));
                }
                assert_eq!(request.uri().path(), "/table");
                let follower = request.uri().query().and_then(|query| query.strip_prefix("follower="));
                let changes = publisher.changes(follower).map_ok(Frame::data).map_err(|never| match never {});
                Response::new(BodyExt::boxed(StreamBody::new(changes)))
            }
        }));
    }

    /// Control is gone, as after kill -9.
    pub async fn kill_control(&mut self) {
        for task in [self.control.take(), self.admin.take()].into_iter().flatten() {
            task.abort();
            let _ = task.await;
        }
        self.until(|health| health["table"]["connected"] == false).await;
    }

    /// What `GET /healthz` says.
    pub async fn health(&self) -> serde_json::Value {
        let stream = tokio::net::UnixStream::connect(self.folder.path().join("run/router.sock")).await.unwrap();
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let request = Request::get("/healthz").header("host", "router").body(Empty::<Bytes>::new()).unwrap();
        let body = sender.send_request(request).await.unwrap().into_body().collect().await.unwrap().to_bytes();
        serde_json::from_slice(&body).unwrap()
    }

    /// Waits until health satisfies `wanted`.
    pub async fn until(&self, wanted: impl Fn(&serde_json::Value) -> bool) {
        let start = Instant::now();
        loop {
            let health = self.health().await;
            if wanted(&health) {
                return;
            }
            assert!(start.elapsed() < Duration::from_secs(10), "still {health}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Waits until the kept table names `host`.
    pub async fn until_kept(&self, host: &str) {
        let file = self.folder.path().join("router/table.json");
        self.until(|_| std::fs::read_to_string(&file).is_ok_and(|text| text.contains(host))).await;
    }

    /// Publishes and waits until the router has it.
    pub async fn set(&self, route: Route) {
        self.publisher.set(route);
        self.settle().await;
    }

    /// Waits until the router has what was published.
    pub async fn settle(&self) {
        let revision = self.publisher.revision();
        self.until(|health| health["table"]["revision"] == revision).await;
    }

    /// One request, over a connection of its own.
    pub async fn send(&self, request: Request<Body>) -> Response<Incoming> {
        self.try_send(request).await.unwrap()
    }

    pub async fn try_send(&self, request: Request<Body>) -> Result<Response<Incoming>, hyper::Error> {
        let stream = TcpStream::connect(self.address).await.unwrap();
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection.with_upgrades());
        sender.send_request(request).await
    }

    /// `GET`: status, headers and the body as text.
    pub async fn get(&self, host: &str, path: &str) -> (u16, http::HeaderMap, String) {
        whole(self.send(get(host, path).body(text("")).unwrap()).await).await
    }

    /// Says `bytes` on a new connection; returns all that comes until the router closes.
    pub async fn raw(&self, bytes: &[u8]) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        let mut answer = Vec::new();
        let read = tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut answer)).await;
        // A reset after the answer is a way of closing, too.
        drop(read.expect("the router closes"));
        String::from_utf8_lossy(&answer).into_owned()
    }

    pub async fn stop(&mut self) {
        let router = self.router.take().unwrap();
        tokio::task::spawn_blocking(|| router.stop()).await.unwrap().unwrap();
    }
}

impl Drop for House {
    fn drop(&mut self) {
        for task in [self.control.take(), self.admin.take()].into_iter().flatten() {
            task.abort();
        }
    }
}

pub fn get(host: &str, path: &str) -> http::request::Builder {
    Request::get(path).header("host", host)
}

/// Status, headers, body.
pub async fn whole(response: Response<Incoming>) -> (u16, http::HeaderMap, String) {
    let (head, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    (head.status.as_u16(), head.headers, String::from_utf8(body.to_vec()).unwrap())
}

/// A route with the guid `host + path`.
pub fn route(host: &str, path: &str, backends: Vec<Backend>) -> Route {
    Route { guid: format!("{host}{path}"), host: host.into(), path: path.into(), balancing: None, backends }
}

/// Instance `index` of application `app`.
pub fn backend(app: &str, index: u32, address: SocketAddr) -> Backend {
    Backend {
        address,
        app: app.into(),
        process: format!("{app}-web"),
        instance: format!("{app}-{index}"),
        index,
        weight: None,
        protocol: Protocol::Http1,
    }
}

/// An application that always says its name.
pub async fn named(name: &'static str) -> SocketAddr {
    app(move |_| async move { Response::new(text(name)) }).await.0
}

/// An application; also counts its connections. It ends with the test.
pub async fn app<F, S>(answer: F) -> (SocketAddr, Arc<AtomicUsize>)
where
    F: Fn(Request<Incoming>) -> S + Clone + Send + 'static,
    S: Future<Output = Response<Body>> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let count = Arc::new(AtomicUsize::new(0));
    let connections = Arc::clone(&count);
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            connections.fetch_add(1, Ordering::SeqCst);
            let answer = answer.clone();
            tokio::spawn(async move {
                let service = service_fn(move |request| {
                    let answer = answer(request);
                    async move { Ok::<_, Infallible>(answer.await) }
                });
                let http = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
                let _ = http.serve_connection_with_upgrades(TokioIo::new(stream), service).await;
            });
        }
    });
    (address, count)
}

/// An application of bytes: `talk` gets each connection.
pub async fn raw_app<F, S>(talk: F) -> SocketAddr
where
    F: Fn(TcpStream) -> S + Send + 'static,
    S: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(talk(stream));
        }
    });
    address
}

/// An address at which nobody listens.
pub fn nobody() -> SocketAddr {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// Reads a request's head from a raw connection.
pub async fn read_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => break,
        }
    }
    String::from_utf8(head).unwrap()
}

fn serve_unix<F, S>(path: &Path, answer: F) -> JoinHandle<()>
where
    F: Fn(Request<Incoming>) -> S + Clone + Send + 'static,
    S: Future<Output = Response<Body>> + Send + 'static,
{
    let _ = std::fs::remove_file(path);
    let listener = UnixListener::bind(path).unwrap();
    tokio::spawn(async move {
        // Connections end with the listener, as a killed process's do.
        let mut connections = tokio::task::JoinSet::new();
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let answer = answer.clone();
            connections.spawn(async move {
                let service = service_fn(move |request| {
                    let answer = answer(request);
                    async move { Ok::<_, Infallible>(answer.await) }
                });
                let http = hyper::server::conn::http1::Builder::new();
                let _ = http.serve_connection(TokioIo::new(stream), service).await;
            });
        }
    })
}
