//! Asking a job how it is (reference, section 7).

use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpStream;

/// One answer has to come within this.
const LIMIT: Duration = Duration::from_secs(3);

/// `GET path`: status and, if it is JSON, the body. The error says what was seen instead, in words.
pub(super) async fn get(at: SocketAddr, path: &str) -> Result<(u16, Value), String> {
    let look = async {
        let stream = TcpStream::connect(at).await.map_err(|error| error.to_string())?;
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|error| error.to_string())?;
        let request = http::Request::get(path)
            .header(http::header::HOST, at.to_string())
            .header(http::header::USER_AGENT, "pitlane-health")
            .body(Empty::<Bytes>::new())
            .map_err(|error| error.to_string())?;
        let talk = async {
            let answer = sender.send_request(request).await.map_err(|error| error.to_string())?;
            let status = answer.status().as_u16();
            let body = Limited::new(answer.into_body(), 1 << 20).collect().await.map_err(|error| error.to_string())?;
            Ok::<_, String>((status, serde_json::from_slice(&body.to_bytes()).unwrap_or(Value::Null)))
        };
        // Driven here: when the time is up, the connection goes with it.
        tokio::pin!(talk);
        tokio::pin!(connection);
        tokio::select! {
            answer = &mut talk => answer,
            ended = &mut connection => match ended {
                Ok(()) => talk.await,
                Err(error) => Err(error.to_string()),
            },
        }
    };
    tokio::time::timeout(LIMIT, look).await.unwrap_or_else(|_| Err(format!("no answer within {} s", LIMIT.as_secs())))
}

/// Why `/live` does not show a job that lives; `None` if it does. `Err` for what may pass with time.
pub(super) fn judge_live(answer: Result<(u16, Value), String>, stamp: i64) -> Result<Option<String>, String> {
    let (status, body) = match answer {
        Ok(answer) => answer,
        Err(seen) => return Err(format!("Cluster error: can't reach Job: {seen}")),
    };
    match status {
        200 => {
            let told = &body["deployment_timestamp"];
            let told = told.as_i64().or_else(|| told.as_str().and_then(|text| text.trim().parse().ok()));
            if told == Some(stamp) {
                Ok(None)
            } else {
                Err("Cluster error: can't reach newer Job, incorrect deployment_timestamp field".into())
            }
        }
        404 => Ok(Some("Job health error: liveness endpoint not found".into())),
        _ => Ok(Some(match body["error"].as_str() {
            Some(error) => format!("Job initialization error: {error}"),
            None => format!("Job liveness error: {status} {body}"),
        })),
    }
}

#[cfg(test)]
mod tests {
    use super::judge_live;
    use serde_json::json;

    #[test]
    fn only_the_job_that_was_started_counts_as_alive() {
        assert_eq!(judge_live(Ok((200, json!({"live": true, "deployment_timestamp": "7"}))), 7), Ok(None));
        assert_eq!(judge_live(Ok((200, json!({"deployment_timestamp": 7}))), 7), Ok(None));
        let waits = [Ok((200, json!({"deployment_timestamp": 6}))), Ok((200, json!(null))), Err("refused".to_owned())];
        for answer in waits {
            assert!(judge_live(answer, 7).unwrap_err().starts_with("Cluster error: can't reach"));
        }
        let ends = [
            (404, json!(null), "Job health error: liveness endpoint not found"),
            (500, json!({"error": "no model"}), "Job initialization error: no model"),
            (503, json!(null), "Job liveness error: 503 null"),
        ];
        for (status, body, wanted) in ends {
            assert_eq!(judge_live(Ok((status, body)), 7), Ok(Some(wanted.to_owned())));
        }
    }
}
