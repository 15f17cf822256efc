//! Unpacks an action's archive below one directory: no entry leaves it, and neither the number of entries nor
//! their total size passes a bound. It does not know what the files are for.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Cursor, Read};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _, symlink};
use std::path::{Component, Path, PathBuf};

use flate2::read::MultiGzDecoder;

use crate::init_request::Code;

/// The most bytes that an archive may unpack to.
const MOST_BYTES: u64 = 512 << 20;

/// The most entries that an archive may have.
const MOST_ENTRIES: usize = 65_536;

/// Why an archive was not unpacked; each text starts with the words that OpenWhisk's runtimes use.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ArchiveError {
    /// The archive is damaged, or a file could not be written.
    #[error("There was an error uncompressing the action archive: {0}.")]
    Io(#[from] io::Error),
    /// The zip archive is damaged.
    #[error("There was an error uncompressing the action archive: {0}.")]
    Zip(#[from] zip::result::ZipError),
    /// An entry's name leads out of the directory, or it is no file, directory or symbolic link.
    #[error("There was an error uncompressing the action archive: the entry {0:?} is not allowed.")]
    Entry(String),
    /// It is larger than allowed.
    #[error(
        "There was an error uncompressing the action archive: it holds more than {MOST_BYTES} bytes or {MOST_ENTRIES} entries."
    )]
    TooLarge,
}

/// Writes `code` below `directory`, which it makes: an archive's entries, or a program as the file `exec`.
///
/// # Errors
/// [`ArchiveError`]; nothing stays of what was written before it.
pub(crate) fn unpack(code: &Code, directory: &Path) -> Result<(), ArchiveError> {
    fs::create_dir_all(directory)?;
    let target = Target { directory, bytes_left: MOST_BYTES, entries_left: MOST_ENTRIES, links: Vec::new() };
    unpack_into(code, target).inspect_err(|_| {
        // It only takes room: the directory is the action's alone, and there will be no action.
        let _ = fs::remove_dir_all(directory);
    })
}

fn unpack_into(code: &Code, mut target: Target<'_>) -> Result<(), ArchiveError> {
    match code {
        Code::Source(_) => {}
        Code::Program(program) => target.file(Path::new("exec"), 0o755, &mut program.as_slice())?,
        Code::Zip(archive) => unpack_zip(archive, &mut target)?,
        Code::TarGz(archive) => unpack_tar(archive, &mut target)?,
    }
    target.make_links()
}

fn unpack_zip(archive: &[u8], target: &mut Target<'_>) -> Result<(), ArchiveError> {
    let mut archive = zip::ZipArchive::new(Cursor::new(archive))?;
    refuse_too_large(&mut archive, target)?;
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index)?;
        let name = entry.name()?.into_owned();
        let path = target.admit(&name)?;
        if entry.is_dir() {
            target.directory(&path)?;
        } else if entry.is_symlink() {
            let mut to = String::new();
            entry.by_ref().take(4096).read_to_string(&mut to)?;
            target.links.push((path, PathBuf::from(to)));
        } else {
            let mode = entry.unix_mode().unwrap_or(0o644);
            target.file(&path, mode, &mut entry)?;
        }
    }
    Ok(())
}

/// Refuses an archive that says itself that it is too large, before anything of it is unpacked. One that lies meets
/// the same bounds later.
fn refuse_too_large(
    archive: &mut zip::ZipArchive<Cursor<&[u8]>>,
    target: &Target<'_>,
) -> Result<(), ArchiveError> {
    if archive.len() > target.entries_left {
        return Err(ArchiveError::TooLarge);
    }
    let mut bytes_left = target.bytes_left;
    for index in 0..archive.len() {
        let size = archive.by_index_raw(index)?.size();
        bytes_left = bytes_left.checked_sub(size).ok_or(ArchiveError::TooLarge)?;
    }
    Ok(())
}

fn unpack_tar(archive: &[u8], target: &mut Target<'_>) -> Result<(), ArchiveError> {
    let mut archive = tar::Archive::new(MultiGzDecoder::new(archive));
    for entry in archive.entries()? {
        let mut entry = entry?;
        let kind = entry.header().entry_type();
        if kind.is_pax_global_extensions() {
            continue;
        }
        let name = entry.path()?.to_string_lossy().into_owned();
        let path = target.admit(&name)?;
        if kind.is_dir() {
            target.directory(&path)?;
        } else if kind.is_symlink() {
            let to = entry.link_name()?.ok_or_else(|| ArchiveError::Entry(name.clone()))?.into_owned();
            target.links.push((path, to));
        } else if kind.is_file() {
            let mode = entry.header().mode().unwrap_or(0o644);
            target.file(&path, mode, &mut entry)?;
        } else {
            return Err(ArchiveError::Entry(name));
        }
    }
    Ok(())
}

/// Where entries go, and how much more may.
struct Target<'a> {
    directory: &'a Path,
    bytes_left: u64,
    entries_left: usize,
    /// Symbolic links, made last so that no file is written through one.
    links: Vec<(PathBuf, PathBuf)>,
}

impl Target<'_> {
    /// Counts an entry and returns its path relative to the directory.
    fn admit(&mut self, name: &str) -> Result<PathBuf, ArchiveError> {
        self.entries_left = self.entries_left.checked_sub(1).ok_or(ArchiveError::TooLarge)?;
        let mut path = PathBuf::new();
        for component in Path::new(name).components() {
            match component {
                Component::Normal(part) => path.push(part),
                Component::CurDir => {}
                _ => return Err(ArchiveError::Entry(name.to_owned())),
            }
        }
        if name.contains('\0') { Err(ArchiveError::Entry(name.to_owned())) } else { Ok(path) }
    }

    fn directory(&self, path: &Path) -> Result<(), ArchiveError> {
        Ok(fs::create_dir_all(self.directory.join(path))?)
    }

    fn file(&mut self, path: &Path, mode: u32, from: &mut impl Read) -> Result<(), ArchiveError> {
        let path = self.directory.join(path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        let mut file = create(&path)?;
        let written = io::copy(&mut from.take(self.bytes_left + 1), &mut file)?;
        self.bytes_left = self.bytes_left.checked_sub(written).ok_or(ArchiveError::TooLarge)?;
        // Only what the owner may do matters; the action must be able to read its own files.
        file.set_permissions(fs::Permissions::from_mode((mode & 0o755) | 0o600))?;
        Ok(())
    }

    fn make_links(&self) -> Result<(), ArchiveError> {
        for (path, to) in &self.links {
            if self.passes_a_link(path) {
                return Err(ArchiveError::Entry(path.to_string_lossy().into_owned()));
            }
            let path = self.directory.join(path);
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent)?;
            }
            symlink(to, path)?;
        }
        Ok(())
    }

    fn passes_a_link(&self, path: &Path) -> bool {
        path.ancestors()
            .skip(1)
            .any(|ancestor| !ancestor.as_os_str().is_empty() && self.directory.join(ancestor).is_symlink())
    }
}

fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use zip::write::{SimpleFileOptions, ZipWriter};

    use super::*;

    enum Item<'a> {
        File(&'a str, &'a [u8]),
        Link(&'a str, &'a str),
    }
    use Item::{File as F, Link as L};

    fn zip_of(items: &[Item<'_>]) -> Code {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for item in items {
            match item {
                F(name, bytes) => {
                    writer.start_file(*name, SimpleFileOptions::default().unix_permissions(0o755)).unwrap();
                    writer.write_all(bytes).unwrap();
                }
                L(name, to) => writer.add_symlink(*name, *to, SimpleFileOptions::default()).unwrap(),
            }
        }
        Code::Zip(writer.finish().unwrap().into_inner())
    }

    fn tar_of(items: &[Item<'_>]) -> Code {
        let mut builder = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
        for item in items {
            let mut header = tar::Header::new_gnu();
            header.set_mode(0o755);
            let (name, bytes) = match item {
                F(name, bytes) => (name, *bytes),
                L(name, to) => {
                    header.set_entry_type(tar::EntryType::Symlink);
                    header.set_link_name(to).unwrap();
                    (name, &[][..])
                }
            };
            // The builder refuses names that lead outside; an attacker's does not.
            header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
            header.set_size(bytes.len() as u64);
            header.set_cksum();
            builder.append(&header, bytes).unwrap();
        }
        Code::TarGz(builder.into_inner().unwrap().finish().unwrap())
    }

    fn both(items: &[Item<'_>], check: impl Fn(Result<(), ArchiveError>, &Path)) {
        for code in [zip_of(items), tar_of(items)] {
            let place = tempfile::tempdir().unwrap();
            let directory = place.path().join("action");
            check(unpack(&code, &directory), &directory);
            let left = fs::read_dir(place.path()).unwrap().count();
            assert_eq!(left, usize::from(directory.exists()), "something left the directory");
        }
    }

    #[test]
    fn files_modes_and_links_are_kept() {
        both(
            &[L("bin/here", "tool"), F("bin/tool", b"#!/bin/sh"), F("./a/b/c", b"deep")],
            |outcome, directory| {
                outcome.unwrap();
                assert_eq!(fs::read(directory.join("a/b/c")).unwrap(), b"deep");
                assert_eq!(fs::read(directory.join("bin/here")).unwrap(), b"#!/bin/sh");
                let mode = fs::metadata(directory.join("bin/tool")).unwrap().permissions().mode();
                assert_eq!(mode & 0o777, 0o755);
            },
        );
    }

    #[test]
    fn no_entry_leaves_the_directory() {
        for items in [
            &[F("../escaped", b"x")][..],
            &[F("/tmp/whirl-escaped", b"x")],
            &[F("a/../../escaped", b"x")],
            &[L("out", ".."), L("out/escaped", "anything")],
        ] {
            both(items, |outcome, _| assert!(matches!(outcome, Err(ArchiveError::Entry(_)))));
        }
        // A file "through" a link: the file comes first and makes a directory, so the link has no place.
        both(&[L("out", ".."), F("out/escaped", b"x")], |outcome, _| assert!(outcome.is_err()));
    }

    #[test]
    fn bounds_hold_whatever_the_headers_say() {
        let zeros = vec![0; 100_000];
        for code in [zip_of(&[F("a", &zeros), F("b", &zeros)]), tar_of(&[F("a", &zeros), F("b", &zeros)])] {
            for (bytes_left, entries_left, fits) in
                [(200_000, 2, true), (199_999, 2, false), (200_000, 1, false)]
            {
                let place = tempfile::tempdir().unwrap();
                let target = Target { directory: place.path(), bytes_left, entries_left, links: Vec::new() };
                assert_eq!(unpack_into(&code, target).is_ok(), fits, "{bytes_left} {entries_left}");
            }
        }
    }

    #[test]
    fn an_archive_that_lies_about_its_size_meets_the_bound() {
        let Code::Zip(mut zip) = zip_of(&[F("a", &[0; 100_000])]) else { panic!("a zip") };
        // Where a central directory entry has its uncompressed size.
        let entry = zip.windows(4).rposition(|bytes| bytes == b"PK\x01\x02").unwrap();
        zip[entry + 24..entry + 28].copy_from_slice(&10_u32.to_le_bytes());
        let place = tempfile::tempdir().unwrap();
        let target =
            Target { directory: place.path(), bytes_left: 1_000, entries_left: 1, links: Vec::new() };
        unpack_into(&Code::Zip(zip), target).unwrap_err();
        let written = fs::metadata(place.path().join("a")).map_or(0, |file| file.len());
        assert!(written <= 1_001, "{written} bytes were written");
    }

    #[test]
    fn a_damaged_archive_is_an_error() {
        let Code::Zip(mut zip) = zip_of(&[F("a", &[7; 5000])]) else { panic!("a zip") };
        zip.truncate(40);
        let place = tempfile::tempdir().unwrap();
        let text = unpack(&Code::Zip(zip), place.path()).unwrap_err().to_string();
        assert!(text.starts_with("There was an error uncompressing the action archive"), "{text}");
    }
}
