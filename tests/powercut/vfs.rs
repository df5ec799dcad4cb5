//! What stands between SQLite and the disk: the default VFS of this process, and its only unsafe code.
//!
//! Files in a mounted directory are SQLite's own unix files, whose calls are told to the [`Disk`] first. Everywhere else the
//! unix VFS opens its files itself. SQLite's contract: <https://sqlite.org/c3ref/vfs.html>,
//! <https://sqlite.org/c3ref/io_methods.html>.
#![allow(unsafe_code, reason = "SQLite calls a VFS through C")]

use super::disk::Disk;
use rusqlite::ffi::{self, sqlite3_file, sqlite3_int64, sqlite3_io_methods, sqlite3_vfs};
use std::collections::BTreeMap;
use std::ffi::{CStr, OsStr, c_char, c_int, c_void};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::ptr;
use std::sync::{Arc, Mutex, OnceLock};

/// The unix VFS. Its functions are thread-safe and it lives as long as the process.
struct Unix(*mut sqlite3_vfs);
// SAFETY: SQLite reads the structure from any thread; nobody writes to it here.
unsafe impl Send for Unix {}
// SAFETY: as above.
unsafe impl Sync for Unix {}

static UNIX: OnceLock<Unix> = OnceLock::new();
static DISKS: Mutex<BTreeMap<PathBuf, Arc<Disk>>> = Mutex::new(BTreeMap::new());

/// A directory that is on a disk of ours for as long as this lives.
pub(crate) struct Mount(PathBuf);

impl Mount {
    pub(crate) fn new(dir: &Path, disk: Arc<Disk>) -> Mount {
        UNIX.get_or_init(register);
        // SQLite asks for files by their full name, links resolved.
        let dir = dir.canonicalize().unwrap();
        DISKS.lock().unwrap().insert(dir.clone(), disk);
        Mount(dir)
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        DISKS.lock().unwrap().remove(&self.0);
    }
}

fn register() -> Unix {
    // SAFETY: both calls initialise SQLite when that is due. The copy is leaked, so it lives as long as SQLite may use it;
    // functions that it shares with the unix VFS use of it only `pAppData` and `mxPathname`, which are equal.
    unsafe {
        let unix = ffi::sqlite3_vfs_find(ptr::null());
        assert!(!unix.is_null());
        let own = sqlite3_vfs {
            szOsFile: c_int::try_from(size_of::<File>()).unwrap() + (*unix).szOsFile,
            pNext: ptr::null_mut(),
            zName: c"powercut".as_ptr(),
            xOpen: Some(open),
            xDelete: Some(delete),
            ..*unix
        };
        assert_eq!(ffi::sqlite3_vfs_register(Box::leak(Box::new(own)), 1), ffi::SQLITE_OK);
        Unix(unix)
    }
}

fn unix() -> *mut sqlite3_vfs {
    UNIX.get().unwrap().0
}

/// An open file; the unix VFS's own stands right behind it.
#[repr(C)]
struct File {
    base: sqlite3_file,
    /// Owned: one count of the `Arc`.
    disk: *const Disk,
    number: usize,
    /// The first sync takes the directory along: src/os_unix.c, `UNIXFILE_DIRSYNC`.
    syncs_directory: bool,
}

/// The disk of a file, and its path; `None`: it is on none of ours.
///
/// # Safety
/// `name` is null or a C string that outlives the path.
unsafe fn find<'a>(name: *const c_char) -> Option<(Arc<Disk>, &'a Path)> {
    if name.is_null() {
        return None;
    }
    // SAFETY: the caller's promise.
    let path = Path::new(OsStr::from_bytes(unsafe { CStr::from_ptr(name) }.to_bytes()));
    let disk = DISKS.lock().unwrap().get(path.parent()?)?.clone();
    Some((disk, path))
}

/// A file's name in its directory: SQLite asks for files only.
fn short(path: &Path) -> &str {
    path.file_name().unwrap().to_str().unwrap()
}

unsafe extern "C" fn open(
    _: *mut sqlite3_vfs,
    name: *const c_char,
    file: *mut sqlite3_file,
    flags: c_int,
    out: *mut c_int,
) -> c_int {
    // SAFETY: SQLite hands over `szOsFile` octets, aligned to eight; the unix file behind ours keeps that.
    unsafe {
        let open = (*unix()).xOpen.unwrap();
        let Some((disk, path)) = find(name) else { return open(unix(), name, file, flags, out) };
        if flags & ffi::SQLITE_OPEN_CREATE == 0 && !path.exists() {
            // A look for what is not there, which makes nothing.
            return open(unix(), name, file, flags, out);
        }
        // Null: on failure there is nothing to close.
        (*file).pMethods = ptr::null();
        let Ok(number) = disk.open(short(path)) else { return ffi::SQLITE_IOERR };
        let done = open(unix(), name, below(file), flags, out);
        if done != ffi::SQLITE_OK {
            disk.close();
            return done;
        }
        let journals = ffi::SQLITE_OPEN_WAL | ffi::SQLITE_OPEN_MAIN_JOURNAL | ffi::SQLITE_OPEN_SUPER_JOURNAL;
        let syncs_directory = flags & ffi::SQLITE_OPEN_CREATE != 0 && flags & journals != 0;
        let base = sqlite3_file { pMethods: &raw const METHODS };
        file.cast::<File>().write(File { base, disk: Arc::into_raw(disk), number, syncs_directory });
        ffi::SQLITE_OK
    }
}

unsafe extern "C" fn delete(_: *mut sqlite3_vfs, name: *const c_char, directory: c_int) -> c_int {
    // SAFETY: `name` is a C string.
    unsafe {
        if let Some((disk, path)) = find(name)
            && disk.delete(short(path), directory != 0).is_err()
        {
            return ffi::SQLITE_IOERR;
        }
        (*unix()).xDelete.unwrap()(unix(), name, 0)
    }
}

/// The unix VFS's part of a file.
///
/// # Safety
/// `file` is the start of `szOsFile` octets.
unsafe fn below(file: *mut sqlite3_file) -> *mut sqlite3_file {
    // SAFETY: the caller's promise.
    unsafe { file.cast::<File>().add(1).cast() }
}

/// Its methods.
///
/// # Safety
/// `file` was opened by [`open`].
unsafe fn methods(file: *mut sqlite3_file) -> &'static sqlite3_io_methods {
    // SAFETY: the unix VFS's tables are static.
    unsafe { &*(*below(file)).pMethods }
}

/// # Safety
/// `file` was opened by [`open`] and lives as long as the reference.
unsafe fn disk<'a>(file: *mut sqlite3_file) -> (&'a Disk, usize) {
    // SAFETY: the file owns a count of the `Arc` until it is closed.
    unsafe { (&*(*file.cast::<File>()).disk, (*file.cast::<File>()).number) }
}

/// A method that is handed on while there is power.
macro_rules! while_on {
    ($name:ident, $method:ident $(, $arg:ident: $type:ty)*) => {
        unsafe extern "C" fn $name(file: *mut sqlite3_file $(, $arg: $type)*) -> c_int {
            // SAFETY: SQLite calls methods of open files only, with arguments that are right for them.
            unsafe {
                if disk(file).0.is_off() {
                    return ffi::SQLITE_IOERR;
                }
                methods(file).$method.unwrap()(below(file) $(, $arg)*)
            }
        }
    };
}

/// A method that changes nothing on the disk, or only lets go.
macro_rules! always {
    ($name:ident, $method:ident -> $result:ty $(, $arg:ident: $type:ty)*) => {
        unsafe extern "C" fn $name(file: *mut sqlite3_file $(, $arg: $type)*) -> $result {
            // SAFETY: as in `while_on`.
            unsafe { methods(file).$method.unwrap()(below(file) $(, $arg)*) }
        }
    };
}

while_on!(read, xRead, to: *mut c_void, n: c_int, at: sqlite3_int64);
while_on!(file_size, xFileSize, to: *mut sqlite3_int64);
while_on!(lock, xLock, level: c_int);
while_on!(check_reserved_lock, xCheckReservedLock, to: *mut c_int);
while_on!(shm_map, xShmMap, page: c_int, size: c_int, extend: c_int, to: *mut *mut c_void);
always!(unlock, xUnlock -> c_int, level: c_int);
always!(file_control, xFileControl -> c_int, op: c_int, arg: *mut c_void);
always!(sector_size, xSectorSize -> c_int);
always!(device_characteristics, xDeviceCharacteristics -> c_int);
always!(shm_lock, xShmLock -> c_int, offset: c_int, n: c_int, flags: c_int);
always!(shm_barrier, xShmBarrier -> ());
always!(shm_unmap, xShmUnmap -> c_int, delete: c_int);

unsafe extern "C" fn close(file: *mut sqlite3_file) -> c_int {
    // SAFETY: the last call for this file, so the count of the `Arc` is given back once.
    unsafe {
        let done = methods(file).xClose.unwrap()(below(file));
        let disk = Arc::from_raw((*file.cast::<File>()).disk);
        disk.close();
        done
    }
}

unsafe extern "C" fn write(file: *mut sqlite3_file, from: *const c_void, n: c_int, at: sqlite3_int64) -> c_int {
    // SAFETY: `from` points to `n` octets.
    unsafe {
        let (disk, number) = disk(file);
        let octets = std::slice::from_raw_parts(from.cast::<u8>(), usize::try_from(n).unwrap());
        if disk.write(number, usize::try_from(at).unwrap(), octets).is_err() {
            return ffi::SQLITE_IOERR;
        }
        methods(file).xWrite.unwrap()(below(file), from, n, at)
    }
}

unsafe extern "C" fn truncate(file: *mut sqlite3_file, len: sqlite3_int64) -> c_int {
    // SAFETY: as in `while_on`.
    unsafe {
        let (disk, number) = disk(file);
        if disk.truncate(number, usize::try_from(len).unwrap()).is_err() {
            return ffi::SQLITE_IOERR;
        }
        methods(file).xTruncate.unwrap()(below(file), len)
    }
}

/// Nothing waits for the real disk: what it would keep is not looked at.
unsafe extern "C" fn sync(file: *mut sqlite3_file, _: c_int) -> c_int {
    // SAFETY: SQLite uses a file from one thread at a time.
    unsafe {
        let (disk, number) = disk(file);
        let own = file.cast::<File>();
        if disk.sync(number, (*own).syncs_directory).is_err() {
            return ffi::SQLITE_IOERR;
        }
        (*own).syncs_directory = false;
        ffi::SQLITE_OK
    }
}

/// Version 2: no memory-mapped pages, which would go around `xWrite`; the store asks for none.
static METHODS: sqlite3_io_methods = sqlite3_io_methods {
    iVersion: 2,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(lock),
    xUnlock: Some(unlock),
    xCheckReservedLock: Some(check_reserved_lock),
    xFileControl: Some(file_control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(device_characteristics),
    xShmMap: Some(shm_map),
    xShmLock: Some(shm_lock),
    xShmBarrier: Some(shm_barrier),
    xShmUnmap: Some(shm_unmap),
    xFetch: None,
    xUnfetch: None,
};
