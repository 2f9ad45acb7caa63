//! The small application: answers every request with a few bytes, and does as little as can be. A thread a core, each with
//! its own connections, so that its own scheduling disturbs neither proxy.

use std::error::Error;
use std::net::TcpListener;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 13\r\n\r\nHello, World\n";

/// Serves until killed.
pub fn serve(address: &str) -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind(address)?;
    let mut threads = Vec::new();
    for _ in 0..std::thread::available_parallelism()?.get() {
        let (give, mut take) = mpsc::unbounded_channel::<std::net::TcpStream>();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        std::thread::spawn(move || {
            runtime.block_on(async move {
                while let Some(stream) = take.recv().await {
                    // A connection that is gone already needs no answer.
                    if let Ok(stream) = stream.set_nonblocking(true).and_then(|()| TcpStream::from_std(stream)) {
                        tokio::spawn(answer(stream));
                    }
                }
            });
        });
        threads.push(give);
    }
    // Evenly, whoever comes.
    for thread in threads.iter().cycle() {
        thread.send(listener.accept()?.0)?;
    }
    Ok(())
}

async fn answer(mut stream: TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut head = Vec::with_capacity(4096);
    loop {
        if stream.read_buf(&mut head).await? == 0 {
            return Ok(());
        }
        // Requests without bodies, one after the other.
        while let Some(end) = head.windows(4).position(|four| four == b"\r\n\r\n") {
            head.drain(..end + 4);
            stream.write_all(ANSWER).await?;
        }
    }
}
