//! Reading what can be read of a damaged table.

use super::Found;
use rusqlite::types::Value;
use rusqlite::{Connection, ErrorCode, Row, params, params_from_iter};
use std::collections::VecDeque;

/// Ranges of one table that are tried: seconds, however much is unreadable.
const PROBES: usize = 100_000;
/// Rows of one page, at most.
const ROWS_OF_PAGE: u64 = 64;
/// No gateway ever comes to a higher number: such a row is damage, and would push all that come after it as high.
pub(super) const MOST: i64 = 1 << 48;
/// Rows of one transaction.
const ROWS: usize = 10_000;

/// Copies what can be read of a table and is not there yet. Only errors of the new file are errors.
pub(super) fn copy(
    from: &Connection,
    to: &mut Connection,
    table: &str,
    numbered: bool,
    found: &mut Found,
) -> rusqlite::Result<()> {
    let there = columns(to, table, "")?;
    let mut names = columns(from, table, "").unwrap_or_default();
    names.retain(|name| there.contains(name));
    if names.is_empty() {
        return Ok(());
    }
    let marks = vec!["?"; names.len()].join(", ");
    let names = names.join(", ");
    let mut sink = Sink { to, sql: format!("INSERT OR IGNORE INTO {table} ({names}) VALUES ({marks})"), n: 0, found };
    sink.to.execute_batch("BEGIN")?;
    if numbered {
        let pages: u64 = from.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap_or(1 << 20);
        numbered_rows(from, table, &names, i64::try_from(pages * ROWS_OF_PAGE).unwrap_or(i64::MAX), &mut sink)?;
    } else {
        let key = columns(sink.to, table, "WHERE pk > 0 ORDER BY pk")?;
        // From both ends up to where it breaks.
        for order in ["", " DESC"] {
            let by: Vec<String> = key.iter().map(|column| format!("{column}{order}")).collect();
            let sql = format!("SELECT {names} FROM {table} ORDER BY {}", by.join(", "));
            if let Ok(mut statement) = from.prepare(&sql)
                && let Ok(mut rows) = statement.query([])
            {
                loop {
                    match rows.next() {
                        Ok(Some(row)) => sink.put(row, 0)?,
                        Ok(None) => break,
                        Err(_) => {
                            sink.found.lost += 1;
                            break;
                        }
                    }
                }
            }
        }
    }
    sink.to.execute_batch("COMMIT")
}

/// Rows by their numbers: from both ends of a range up to where it breaks, then halves of what is between.
fn numbered_rows(from: &Connection, table: &str, names: &str, most: i64, sink: &mut Sink<'_>) -> rusqlite::Result<()> {
    let sql = |order| {
        format!("SELECT rowid, {names} FROM {table} NOT INDEXED WHERE rowid BETWEEN ?1 AND ?2 ORDER BY rowid {order}")
    };
    let (Ok(mut up), Ok(mut down)) = (from.prepare(&sql("ASC")), from.prepare(&sql("DESC"))) else { return Ok(()) };
    let mut ranges = VecDeque::from([(1, MOST)]);
    let mut probes = 0;
    while let Some((mut low, mut high)) = ranges.pop_front() {
        probes += 1;
        if probes > PROBES {
            sink.found.lost += u64::try_from(high - low).unwrap_or(0) + 1;
            continue;
        }
        match scan(&mut up, low, high, true, sink)? {
            End::Whole => continue,
            End::Broke(last) => low = last.map_or(low, |last| last + 1),
        }
        match scan(&mut down, low, high, false, sink)? {
            End::Whole => continue,
            End::Broke(last) => high = last.map_or(high, |last| last - 1),
        }
        // A file of this size has no more rows.
        high = high.min(low.saturating_add(most));
        if low < high {
            let middle = low + (high - low) / 2;
            ranges.extend([(low, middle), (middle + 1, high)]);
        } else if low == high {
            sink.found.lost += 1;
        }
    }
    Ok(())
}

enum End {
    Whole,
    /// After this row, where there was one.
    Broke(Option<i64>),
}

/// Rows of a range, in order, up to where it breaks.
fn scan(
    statement: &mut rusqlite::Statement<'_>,
    low: i64,
    high: i64,
    upwards: bool,
    sink: &mut Sink<'_>,
) -> rusqlite::Result<End> {
    let Ok(mut rows) = statement.query(params![low, high]) else { return Ok(End::Broke(None)) };
    let mut last = None;
    loop {
        let row = match rows.next() {
            Ok(Some(row)) => row,
            Ok(None) => return Ok(End::Whole),
            Err(_) => return Ok(End::Broke(last)),
        };
        let Ok(number) = row.get::<_, i64>(0) else { return Ok(End::Broke(last)) };
        // A page of another place in the tree.
        let follows = last.is_none_or(|before| if upwards { number > before } else { number < before });
        if !(low..=high).contains(&number) || !follows {
            return Ok(End::Broke(last));
        }
        last = Some(number);
        sink.put(row, 1)?;
    }
}

/// Where rows go.
struct Sink<'a> {
    to: &'a mut Connection,
    sql: String,
    n: usize,
    found: &'a mut Found,
}

impl Sink<'_> {
    /// Keeps a row, whose columns begin there. One that the schema does not allow is lost.
    fn put(&mut self, row: &Row<'_>, begin: usize) -> rusqlite::Result<()> {
        let n_columns = row.as_ref().column_count();
        let values: Option<Vec<Value>> = (begin..n_columns).map(|n| row.get(n).ok()).collect();
        let Some(values) = values else {
            self.found.lost += 1;
            return Ok(());
        };
        match self.to.prepare_cached(&self.sql)?.execute(params_from_iter(values)) {
            Ok(n) => self.found.read += n as u64,
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) => self.found.lost += 1,
            Err(error) => return Err(error),
        }
        self.n += 1;
        if self.n.is_multiple_of(ROWS) {
            self.to.execute_batch("COMMIT; BEGIN")?;
        }
        Ok(())
    }
}

/// Columns of a table; `which`: a condition.
pub(super) fn columns(connection: &Connection, table: &str, which: &str) -> rusqlite::Result<Vec<String>> {
    let sql = format!("SELECT name FROM pragma_table_info(?1) {which}");
    connection.prepare(&sql)?.query_map([table], |row| row.get(0))?.collect()
}
