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

/// A zip of some fifty kilobytes whose entries, all with the same packed bytes, unpack to ten gigabytes.
pub(crate) fn zip_bomb() -> String {
    const ENTRIES: u16 = 500;
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    writer.start_file("000", SimpleFileOptions::default().compression_level(Some(9))).unwrap();
    for _ in 0..20 {
        writer.write_all(&[0; 1_000_000]).unwrap();
    }
    let mut bytes = writer.finish().unwrap().into_inner();
    let mut end = bytes.split_off(bytes.len() - 22);
    let directory = u32::from_le_bytes(end[16..20].try_into().unwrap()) as usize;
    let entry = bytes.split_off(directory);
    for number in 0..ENTRIES {
        let mut entry = entry.clone();
        entry[46..49].copy_from_slice(format!("{number:03}").as_bytes());
        bytes.extend(entry);
    }
    end[8..10].copy_from_slice(&ENTRIES.to_le_bytes());
    end[10..12].copy_from_slice(&ENTRIES.to_le_bytes());
    end[12..16].copy_from_slice(&u32::try_from(bytes.len() - directory).unwrap().to_le_bytes());
    bytes.extend(end);
    assert!(bytes.len() < 100_000, "{} bytes", bytes.len());
    STANDARD.encode(bytes)
}
