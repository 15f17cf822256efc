//! Archives in base64, as an upload carries them.

use std::io::{Cursor, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zip::write::{SimpleFileOptions, ZipWriter};

/// A zip of these files.
pub(crate) fn zip(files: &[(&str, &str)]) -> String {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in files {
        writer.start_file(*name, SimpleFileOptions::default()).unwrap();
        writer.write_all(text.as_bytes()).unwrap();
    }
    STANDARD.encode(writer.finish().unwrap().into_inner())
}

/// A gzipped tar of these files.
pub(crate) fn tar_gz(files: &[(&str, &str)]) -> String {
    let gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    let mut builder = tar::Builder::new(gzip);
    for (name, text) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, name, text.as_bytes()).unwrap();
    }
    STANDARD.encode(builder.into_inner().unwrap().finish().unwrap())
}

/// A zip with more entries than the proxy takes.
pub(crate) fn zip_of_too_many() -> String {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for number in 0..70_000 {
        writer.start_file(format!("{number}"), SimpleFileOptions::default()).unwrap();
    }
    STANDARD.encode(writer.finish().unwrap().into_inner())
}
