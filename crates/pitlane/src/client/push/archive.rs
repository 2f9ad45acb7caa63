//! The folder that is pushed, as a zip (cloud-foundry.md 6.3): unix modes, symbolic links, `.cfignore`.

use crate::client::failure::{Failure, Result, Told};
use crate::client::printer::Printer;
use ignore::WalkBuilder;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::fs::{File, Metadata};
use std::io::{BufWriter, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Component, Path, PathBuf};
use std::time::{Duration, Instant};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

/// Never pushed, wherever they lie.
const ALWAYS: [&str; 7] = [".cfignore", ".DS_Store", ".git", ".gitignore", ".hg", ".svn", "_darcs"];
/// Never pushed from the top: they are for us.
const AT_TOP: [&str; 2] = ["manifest.yml", "manifest.yaml"];

/// Read and looked at, at once.
const BLOCK: usize = 64 << 10;

/// What is uploaded.
#[derive(Debug)]
pub(crate) struct Archive {
    /// At its beginning.
    pub(crate) file: File,
    /// Bytes.
    pub(crate) size: u64,
}

/// Packs `path`: a folder is zipped, an archive is taken as it is.
pub(crate) fn pack(path: &Path, printer: &Printer) -> Result<Archive> {
    let shown = path.display();
    let data = std::fs::metadata(path).told(|| format!("cannot push {shown}"))?;
    if data.is_file() {
        let kind = path.extension().and_then(|kind| kind.to_str()).unwrap_or_default().to_lowercase();
        if !["zip", "jar", "war"].contains(&kind.as_str()) {
            return Err(Failure::usage(format!(
                "cannot push {shown}: it is neither a folder nor a .zip, .jar or .war"
            ))
            .hint("push the folder that holds the application"));
        }
        let file = File::open(path).told(|| format!("cannot read {shown}"))?;
        return Ok(Archive { file, size: data.len() });
    }
    zip_folder(path, printer)
}

fn zip_folder(root: &Path, printer: &Printer) -> Result<Archive> {
    let failed = || format!("cannot pack {}", root.display());
    let mut zip = ZipWriter::new(BufWriter::new(tempfile::tempfile().told(failed)?));
    let mut files = 0;
    let mut watch = Watch::new(root, printer);
    let walk = WalkBuilder::new(root)
        .standard_filters(false)
        .add_custom_ignore_filename(".cfignore")
        .sort_by_file_name(Ord::cmp)
        .filter_entry(|entry| {
            let name = entry.file_name();
            !(ALWAYS.iter().any(|other| name == *other)
                || (entry.depth() == 1 && AT_TOP.iter().any(|top| name == *top)))
        })
        .build();
    for entry in walk {
        let entry = entry.told(failed)?;
        let path = entry.path();
        let relative = path.strip_prefix(root).unwrap_or(path);
        if relative.as_os_str().is_empty() {
            continue;
        }
        let name = relative.to_str().ok_or_else(|| {
            Failure::new(format!("the name of {} is not UTF-8", path.display()))
                .hint("rename it, or list it in .cfignore")
        })?;
        let told = || format!("cannot pack {}", path.display());
        let data = path.symlink_metadata().told(told)?;
        let options = options(&data);
        if data.is_dir() {
            zip.add_directory(name, options).told(told)?;
        } else if data.is_symlink() {
            zip.add_symlink(name, link_target(root, path)?, options).told(told)?;
            files += 1;
        } else if data.is_file() {
            copy(path, name, options, &mut zip, &mut watch).told(told)?;
            files += 1;
        } else {
            let kind = if data.file_type().is_socket() { "socket" } else { "device or pipe" };
            printer.warning(format!("{} is a {kind} and is left out", path.display()));
        }
    }
    if files == 0 {
        return Err(Failure::new(format!("there is nothing to push in {}", root.display()))
            .hint("name the application's folder with -p PATH; .cfignore may leave out too much"));
    }
    drop(watch);
    let mut writer = zip.finish().told(failed)?;
    writer.flush().told(failed)?;
    let mut file = writer.into_inner().told(failed)?;
    let size = file.metadata().told(failed)?.len();
    file.seek(SeekFrom::Start(0)).told(failed)?;
    Ok(Archive { file, size })
}

/// Copies one file, packed if that is of any use.
fn copy<W: Write + Seek>(
    path: &Path,
    name: &str,
    options: SimpleFileOptions,
    zip: &mut ZipWriter<W>,
    watch: &mut Watch<'_>,
) -> std::io::Result<()> {
    let mut file = File::open(path)?;
    let mut block = vec![0; BLOCK];
    let mut read = file.read(&mut block)?;
    let method = if is_packed(&block[..read]) { CompressionMethod::Stored } else { CompressionMethod::Deflated };
    // The way to the server is mostly short: speed before size.
    let level = (method == CompressionMethod::Deflated).then_some(3);
    zip.start_file(name, options.compression_method(method).compression_level(level))?;
    while read > 0 {
        zip.write_all(&block[..read])?;
        watch.packed(read);
        read = file.read(&mut block)?;
    }
    Ok(())
}

/// Would packing these bytes gain next to nothing, as with pictures, films and archives?
fn is_packed(sample: &[u8]) -> bool {
    if sample.len() < 4096 {
        return false;
    }
    let mut counts = [0u32; 256];
    sample.iter().for_each(|byte| counts[usize::from(*byte)] += 1);
    let total = sample.len() as f64;
    let share = |count: &u32| f64::from(*count) / total;
    let bits: f64 = counts.iter().filter(|count| **count > 0).map(|count| -share(count) * share(count).log2()).sum();
    bits > 7.9
}

/// Says that it is packing once that takes a while, and how far it is.
struct Watch<'a> {
    root: &'a Path,
    printer: &'a Printer,
    begun: Instant,
    bytes: u64,
    told: bool,
    bar: ProgressBar,
}

impl<'a> Watch<'a> {
    fn new(root: &'a Path, printer: &'a Printer) -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        Self { root, printer, begun: Instant::now(), bytes: 0, told: false, bar }
    }

    fn packed(&mut self, bytes: usize) {
        self.bytes += bytes as u64;
        if !self.told && self.begun.elapsed() > Duration::from_secs(1) {
            self.told = true;
            self.printer.step(format!("Packing {}", self.root.display()));
            if self.printer.is_watched() {
                self.bar.set_draw_target(ProgressDrawTarget::stderr());
                let style = ProgressStyle::with_template("  packed {bytes}, {bytes_per_sec}");
                self.bar.set_style(style.expect("the template is a constant"));
            }
        }
        self.bar.set_position(self.bytes);
    }
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

fn options(data: &Metadata) -> SimpleFileOptions {
    SimpleFileOptions::default()
        .unix_permissions(data.permissions().mode() & 0o777)
        .large_file(data.len() >= u64::from(u32::MAX))
        // Web servers derive `Last-Modified` and `ETag` from it.
        .last_modified_time(modified(data).unwrap_or_default())
}

fn modified(data: &Metadata) -> Option<DateTime> {
    let time = jiff::Timestamp::try_from(data.modified().ok()?).ok()?.to_zoned(jiff::tz::TimeZone::UTC);
    let year = u16::try_from(time.year()).ok()?;
    let [month, day, hour, minute, second] =
        [time.month(), time.day(), time.hour(), time.minute(), time.second()].map(|part| part.unsigned_abs());
    DateTime::from_date_and_time(year, month, day, hour, minute, second).ok()
}

/// Where a link leads; refused if that is outside of what is pushed, for it would lead nowhere on the server.
fn link_target(root: &Path, link: &Path) -> Result<String> {
    let target = std::fs::read_link(link).told(|| format!("cannot read the link {}", link.display()))?;
    let mut place: PathBuf = link.strip_prefix(root).unwrap_or(link).parent().unwrap_or(Path::new("")).to_owned();
    let mut inside = true;
    for part in target.components() {
        match part {
            Component::Normal(name) => place.push(name),
            Component::ParentDir => inside &= place.pop(),
            Component::CurDir => {}
            Component::RootDir | Component::Prefix(_) => inside = false,
        }
    }
    match target.to_str() {
        Some(text) if inside => Ok(text.to_owned()),
        _ => Err(Failure::new(format!(
            "the link {} leads to {}, which is outside of what is pushed",
            link.display(),
            target.display()
        ))
        .hint("list it in .cfignore, or replace it by what it leads to")),
    }
}
