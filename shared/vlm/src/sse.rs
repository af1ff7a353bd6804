//! Server-sent events, as far as chat completions use them: the data of each event.
//!
//! The crates for this would have had the AWS SDK built a second time (they turn on features that nothing else wants).

use serde::de::IgnoredAny;
use serde_json::{Value, json};

/// Takes bytes apart into events, wherever the chunks are cut.
#[derive(Debug, Default)]
pub(super) struct Events {
    line: Vec<u8>,
    data: Vec<String>,
    /// The name of the event.
    name: String,
    after_carriage_return: bool,
}

impl Events {
    /// The data of the events that these bytes complete.
    pub(super) fn push(&mut self, chunk: &[u8]) -> Vec<String> {
        let mut events = Vec::new();
        for &byte in chunk {
            let second_half =
                std::mem::replace(&mut self.after_carriage_return, byte == b'\r') && byte == b'\n';
            match byte {
                b'\n' if second_half => (),
                b'\n' | b'\r' => events.extend(self.end_line()),
                other => self.line.push(other),
            }
        }
        events
    }

    /// The data of an event that the stream ended within, for servers that leave the last blank line out.
    pub(super) fn finish(mut self) -> Option<String> {
        self.end_line().or_else(|| self.end_event())
    }

    fn end_line(&mut self) -> Option<String> {
        let line = String::from_utf8_lossy(&std::mem::take(&mut self.line)).into_owned();
        let line = line.trim_start_matches('\u{feff}');
        if line.is_empty() {
            return self.end_event();
        }
        let (field, value) = line.split_once(':').unwrap_or_default();
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.name),
            "data" => self.data.push(value.to_owned()),
            // llama.cpp tells errors in a field of their own.
            "error" => self.data.push(wrapped(value)),
            // Errors of frameworks stand between events as they are.
            _ if line.starts_with("{\"error\"") => self.data.push(line.to_owned()),
            _ => (),
        }
        // Some servers part events by one line end only: a whole object is an event.
        let whole = self.data.join("\n");
        let is_object =
            whole.starts_with('{') && serde_json::from_str::<IgnoredAny>(&whole).is_ok();
        if is_object || whole == "[DONE]" {
            return self.end_event();
        }
        None
    }

    fn end_event(&mut self) -> Option<String> {
        let data = std::mem::take(&mut self.data);
        let name = std::mem::take(&mut self.name);
        if data.is_empty() {
            return None;
        }
        let data = data.join("\n");
        let tells_error = data.contains("\"error\"");
        Some(match name.as_str() {
            "error" if !tells_error => wrapped(&data),
            _ => data,
        })
    }
}

/// An error's own text as the error that it is.
fn wrapped(error: &str) -> String {
    match serde_json::from_str::<Value>(error) {
        Ok(value) => json!({ "error": value }).to_string(),
        Err(_) => json!({ "error": error }).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(chunks: &[&[u8]]) -> Vec<String> {
        let mut events = Events::default();
        let mut found: Vec<String> = chunks.iter().flat_map(|chunk| events.push(chunk)).collect();
        found.extend(events.finish());
        found
    }

    #[test]
    fn data_lines_of_an_event_belong_together_and_other_lines_are_passed_over() {
        let text =
            b": keep-alive\n\nevent: x\nid: 7\ndata: {\"a\":\ndata:1}\n\ndata\n\ndata: [DONE]\n\n";
        assert_eq!(read(&[text]), ["{\"a\":\n1}", "[DONE]"]);
    }

    #[test]
    fn events_parted_by_one_newline_are_events() {
        let text = b"data: {\"a\": 1}\ndata: {\"a\":\ndata: 2}\ndata: [DONE]\n";
        assert_eq!(read(&[text]), ["{\"a\": 1}", "{\"a\":\n2}", "[DONE]"]);
    }

    #[test]
    fn errors_are_told_wherever_a_stream_has_them() {
        for text in [
            "error: {\"code\":400}\n\n",
            "event: error\ndata: {\"code\":400}\n\n",
            "{\"error\":{\"code\":400}}\n",
        ] {
            assert_eq!(
                read(&[text.as_bytes()]),
                ["{\"error\":{\"code\":400}}"],
                "{text}"
            );
        }
    }

    #[test]
    fn every_kind_of_line_end_is_known_and_the_last_may_be_missing() {
        for text in [
            "data: a\n\ndata: b",
            "data: a\r\n\r\ndata: b\r\n",
            "data: a\r\rdata: b\r",
            "data: a\r\n\ndata: b\n\n",
        ] {
            assert_eq!(read(&[text.as_bytes()]), ["a", "b"], "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn where_the_chunks_are_cut_changes_nothing(
            data in proptest::collection::vec("[^\\r\\n]{0,20}", 0..6), end in prop::sample::select(vec!["\n", "\r\n", "\r"]),
            cuts in proptest::collection::vec(0usize..200, 0..8),
        ) {
            let text: String = data.iter().map(|data| format!("data: {data}{end}: note{end}{end}")).collect();
            let bytes = text.as_bytes();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut % (bytes.len() + 1)).chain([0, bytes.len()]).collect();
            cuts.sort_unstable();
            let chunks: Vec<&[u8]> = cuts.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
            prop_assert_eq!(read(&chunks), data);
        }

        #[test]
        fn any_bytes_are_taken_apart_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = read(&[&bytes]);
        }
    }
}
