//! Server-sent events, as far as chat completions use them: the data of each event.
//!
//! The crates for this would have had the AWS SDK built a second time (they turn on features that nothing else wants).

/// Takes bytes apart into events, wherever the chunks are cut.
#[derive(Debug, Default)]
pub(super) struct Events {
    line: Vec<u8>,
    data: Vec<String>,
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
        if line.is_empty() {
            return self.end_event();
        }
        if let Some(data) = line.strip_prefix("data:") {
            self.data
                .push(data.strip_prefix(' ').unwrap_or(data).to_owned());
        }
        None
    }

    fn end_event(&mut self) -> Option<String> {
        let data = std::mem::take(&mut self.data);
        (!data.is_empty()).then(|| data.join("\n"))
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
