use futures_util::{StreamExt, TryStreamExt};
use store::{BlobError, Blobs, Digest};

async fn read(blobs: &Blobs, digest: &Digest) -> Result<Vec<u8>, BlobError> {
    blobs
        .get(digest)
        .await?
        .try_fold(Vec::new(), |mut all, chunk| async move {
            all.extend_from_slice(&chunk);
            Ok(all)
        })
        .await
}

/// Everything that both backends must do alike.
async fn life_of_blobs(blobs: &Blobs) {
    let big: Vec<u8> = (0..20_000_000_u32).map(|n| (n ^ (n >> 8)) as u8).collect();
    for bytes in [&b""[..], b"hello", &big] {
        let blob = blobs.put(bytes, 20_000_000).await.unwrap();
        assert_eq!((blob.digest, blob.size), (Digest::of(bytes), bytes.len() as u64));
        assert_eq!(blobs.put_bytes(bytes).await.unwrap(), blob, "again is the same");
        assert_eq!(read(blobs, &blob.digest).await.unwrap(), bytes);
        assert_eq!(blobs.size(&blob.digest).await.unwrap(), Some(blob.size));
        assert_eq!(std::fs::read(blobs.local(&blob.digest).await.unwrap()).unwrap(), bytes);
    }
    let mut all: Vec<u64> = blobs.list().await.unwrap().iter().map(|blob| blob.size).collect();
    all.sort();
    assert_eq!(all, [0, 5, 20_000_000]);

    let missing = Digest::of(b"missing");
    assert!(matches!(blobs.get(&missing).await.err(), Some(BlobError::NotFound(_))));
    assert!(matches!(blobs.local(&missing).await, Err(BlobError::NotFound(_))));
    assert!(!blobs.delete(&missing).await.unwrap());
    let hello = Digest::of(b"hello");
    assert!(blobs.delete(&hello).await.unwrap() && !blobs.exists(&hello).await.unwrap());

    assert!(matches!(blobs.put(&b"123456"[..], 5).await, Err(BlobError::TooLarge { limit: 5 })));
    let broken =
        futures_util::stream::iter([Ok(bytes::Bytes::from_static(b"half")), Err(std::io::Error::other("cut off"))]);
    let broken = tokio_util::io::StreamReader::new(broken.boxed());
    assert!(matches!(blobs.put(broken, 100).await, Err(BlobError::Source(_))));
    assert_eq!(blobs.list().await.unwrap().len(), 2, "nothing half-made is kept");
}

#[tokio::test]
async fn blobs_live_in_a_folder() {
    let data = tempfile::tempdir().unwrap();
    let blobs = Blobs::open(None, data.path()).await.unwrap();
    life_of_blobs(&blobs).await;
    assert_eq!(std::fs::read_dir(data.path().join("blobs/tmp")).unwrap().count(), 0);

    let blob = blobs.put_bytes(b"original").await.unwrap();
    std::fs::write(
        data.path().join(format!("blobs/{}/{0}", blob.digest).replacen(&blob.digest.hex(), &blob.digest.hex()[..2], 1)),
        b"0riginal",
    )
    .unwrap();
    assert!(matches!(read(&blobs, &blob.digest).await, Err(BlobError::Damaged(_))));
}

#[tokio::test]
async fn what_a_killed_writer_left_is_cleared_and_what_is_being_written_is_not() {
    let data = tempfile::tempdir().unwrap();
    let blobs = Blobs::open(None, data.path()).await.unwrap();
    let tmp = data.path().join("blobs/tmp");
    std::fs::write(tmp.join("left"), b"half").unwrap();
    let (mut writer, reader) = tokio::io::duplex(64);
    let upload = tokio::spawn({
        let blobs = blobs.clone();
        async move { blobs.put(reader, 100).await }
    });
    tokio::io::AsyncWriteExt::write_all(&mut writer, b"slow").await.unwrap();
    while std::fs::read_dir(&tmp).unwrap().count() < 2 {
        tokio::task::yield_now().await;
    }
    Blobs::open(None, data.path()).await.unwrap();
    assert!(!tmp.join("left").exists());
    drop(writer);
    assert_eq!(upload.await.unwrap().unwrap().digest, Digest::of(b"slow"));
}

/// `PITLANE_TEST_S3` is `s3://BUCKET/PREFIX?endpoint=…`, with the server's key pair in `PITLANE_TEST_S3_KEY` and `…_SECRET`.
#[tokio::test]
async fn blobs_live_in_s3() {
    let Ok(location) = std::env::var("PITLANE_TEST_S3") else {
        return eprintln!("skipped: PITLANE_TEST_S3 is not set");
    };
    let (key, secret) =
        (std::env::var("PITLANE_TEST_S3_KEY").unwrap(), std::env::var("PITLANE_TEST_S3_SECRET").unwrap());
    let location = location.replacen('?', &format!("/{:x}?", rand::random::<u64>()), 1);
    let data = tempfile::tempdir().unwrap();
    let blobs = Blobs::open_s3(&location, &key, &secret, data.path()).unwrap();
    life_of_blobs(&blobs).await;
    assert_eq!(std::fs::read_dir(data.path().join("blobs/tmp")).unwrap().count(), 0, "no copy stays");

    let wrong = Blobs::open_s3(&location, &key, "wrong", data.path()).unwrap();
    let error = wrong.put_bytes(b"x").await.unwrap_err();
    assert!(matches!(error, BlobError::Refused(_)), "{error:?}");
    assert!(error.to_string().contains("AWS_SECRET_ACCESS_KEY"), "{error}");

    let gone = Blobs::open_s3("s3://b/p?endpoint=http://127.0.0.1:1", &key, &secret, data.path()).unwrap();
    assert!(matches!(gone.exists(&Digest::of(b"x")).await, Err(BlobError::Unavailable(_))));
}

#[tokio::test]
async fn a_wrong_location_is_refused_with_what_is_wrong() {
    let data = tempfile::tempdir().unwrap();
    for (location, word) in
        [("ftp://x/y", "scheme"), ("s3://", "bucket"), ("s3:///p?region=x", "bucket"), ("s3://b/p?regoin=x", "regoin")]
    {
        let opened = match location.starts_with("s3") {
            true => Blobs::open_s3(location, "k", "s", data.path()),
            false => Blobs::open(Some(location), data.path()).await,
        };
        let error = opened.err().expect(location).to_string();
        assert!(error.contains(word), "{location}: {error}");
    }
}

#[test]
fn a_digest_is_64_lower_case_hex_digits() {
    let good = Digest::of(b"").hex();
    assert_eq!(good.parse::<Digest>().unwrap(), Digest::of(b""));
    assert_eq!(serde_json::from_str::<Digest>(&format!("\"{good}\"")).unwrap(), Digest::of(b""));
    for bad in
        ["", "../../etc/passwd", &good[1..], &good.to_uppercase(), &format!("{good}0"), &format!(" {}", &good[1..])]
    {
        assert!(bad.parse::<Digest>().is_err(), "{bad}");
    }
}
