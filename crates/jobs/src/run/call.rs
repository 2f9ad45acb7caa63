//! One call of a job's instance by control itself, read to its end.

use crate::repo::async_call::{AsyncCall, Lines};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use std::net::SocketAddr;
use tokio::net::TcpStream;

/// Bytes of an answer that is kept.
pub(crate) const MOST: usize = 64 << 20;

/// What a job answered.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Lines,
    pub(super) body: Bytes,
}

pub(super) async fn send(at: SocketAddr, call: &AsyncCall) -> Result<Answer, String> {
    let words = |error: &dyn std::fmt::Display| error.to_string();
    let stream =
        TcpStream::connect(at).await.map_err(|error| format!("connection refused to a target job: {error}"))?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|error| words(&error))?;
    let path = format!("/pub/job/{}/{}{}", call.job_name, call.job_version, call.job_path);
    let mut request = http::Request::builder().method(call.request_method.as_str()).uri(path);
    for (name, value) in &call.request_headers.0 {
        request = request.header(name, value);
    }
    let request = request.body(Full::new(Bytes::from(call.request_body.clone()))).map_err(|error| words(&error))?;
    let talk = async {
        let answer = sender.send_request(request).await.map_err(|error| format!("connection broken: {error}"))?;
        let status = answer.status().as_u16();
        let lines = answer
            .headers()
            .iter()
            .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()));
        let headers = lines.collect();
        let body = Limited::new(answer.into_body(), MOST).collect().await.map_err(|error| {
            match error.downcast_ref::<LengthLimitError>() {
                Some(_) => format!("its answer is larger than {} MB: call the job directly", MOST >> 20),
                None => format!("connection broken: {error}"),
            }
        })?;
        Ok(Answer { status, headers, body: body.to_bytes() })
    };
    // Driven here: when the caller gives up, the connection goes with it.
    tokio::pin!(talk);
    tokio::pin!(connection);
    tokio::select! {
        answer = &mut talk => answer,
        ended = &mut connection => match ended {
            Ok(()) => talk.await,
            Err(error) => Err(format!("connection broken: {error}")),
        },
    }
}
