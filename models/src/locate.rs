//! Line numbers for fields of a parsed JSON text.
//!
//! `serde_json::Value` keeps no positions. The files are small and written one field a line,
//! so a search for the quoted key is enough to point a reader at the right line.

/// The line, from 1, of the last key in `path` (outermost key first), searching for each key
/// after the one that encloses it. `None` when a key does not occur.
///
/// A key of the same name inside an earlier nested object is found first; the line is a
/// pointer for a reader, never an input to anything.
pub(crate) fn line_of(text: &str, path: &[&str]) -> Option<usize> {
    let mut offset = 0;
    for key in path {
        offset = key_end(text, offset, key)?;
    }
    let before = text.get(..offset)?;
    Some(1 + before.bytes().filter(|byte| *byte == b'\n').count())
}

/// The offset just behind the first `"key"` from `start` on that a colon follows: the same
/// word without a colon is a value.
fn key_end(text: &str, start: usize, key: &str) -> Option<usize> {
    let quoted = format!("\"{key}\"");
    let tail = text.get(start..)?;
    tail.match_indices(&quoted)
        .map(|(at, _)| start + at + quoted.len())
        .find(|end| {
            text.get(*end..)
                .is_some_and(|rest| rest.trim_start().starts_with(':'))
        })
}

#[cfg(test)]
mod tests {
    use super::line_of;

    #[test]
    fn a_value_that_looks_like_the_key_is_passed_over() {
        let text = "{\n\"a\": \"size\",\n\"size\" : 3\n}";
        assert_eq!(line_of(text, &["size"]), Some(3));
    }

    #[test]
    fn a_nested_key_is_searched_behind_its_parent() {
        let text = "{\n\"size\": 1,\n\"inner\": {\n\"size\": 2 } }";
        assert_eq!(line_of(text, &["inner", "size"]), Some(4));
        assert_eq!(line_of(text, &["inner", "width"]), None);
    }
}
