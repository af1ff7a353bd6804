//! What a photo shows.

use serde::{Deserialize, Serialize};

/// One photo's truth.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Truth {
    /// The DR that the photo belongs to.
    pub dr_number: String,
    /// The photo's number within the DR.
    pub photo: u32,
    /// The steps it shows; none is possible.
    pub shows: Vec<Shown>,
}

/// A step that a photo shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    /// The step's key.
    pub step: String,
    /// How well, 0 to 10.
    pub score: u8,
    /// The small print in view, if the photo has any; empty while it could not be read.
    #[serde(default)]
    pub reading: Option<String>,
    /// What the bar code on its label says, if that is something else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The fail code of the one reason that speaks against it, if that is a certain one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fail: Option<String>,
}

impl Truth {
    /// The text of the large codes.
    pub fn to_text(&self) -> String {
        let print = |shown: &Shown| if shown.reading.is_some() { "p" } else { "" };
        let fail = |shown: &Shown| {
            shown
                .fail
                .iter()
                .fold(String::new(), |_, code| format!("!{code}"))
        };
        let steps: Vec<String> = self
            .shows
            .iter()
            .map(|shown| {
                format!(
                    "{}:{}{}{}",
                    shown.step,
                    shown.score,
                    print(shown),
                    fail(shown)
                )
            })
            .collect();
        format!("{}|{}|{}", self.dr_number, self.photo, steps.join(";"))
    }

    /// Reads the text of a large code; readings come from the small print.
    pub fn from_text(text: &str) -> Option<Self> {
        let mut parts = text.split('|');
        let (dr_number, photo, steps) = (parts.next()?, parts.next()?.parse().ok()?, parts.next()?);
        let shown = |entry: &str| {
            let (step, score) = entry.split_once(':')?;
            let (score, fail) = score
                .split_once('!')
                .map_or((score, None), |(score, code)| {
                    (score, Some(code.to_owned()))
                });
            let (score, reading) = score
                .strip_suffix('p')
                .map_or((score, None), |score| (score, Some(String::new())));
            Some(Shown {
                step: step.into(),
                score: score.parse().ok()?,
                reading,
                code: None,
                fail,
            })
        };
        let shows = steps
            .split(';')
            .filter(|entry| !entry.is_empty())
            .map(shown)
            .collect::<Option<Vec<_>>>()?;
        Some(Self {
            dr_number: dr_number.into(),
            photo,
            shows,
        })
    }

    /// The text of the small print: the number of a shown step and what is to be read, or nothing. Readings stand in it
    /// backwards: whoever looks for the codes of devices does not take them for such.
    pub fn small_print(&self) -> Option<String> {
        let numbered = self.shows.iter().enumerate();
        let print: Vec<String> = numbered
            .filter_map(|(n, s)| Some(format!("{n}={}", backwards(s.reading.as_ref()?))))
            .collect();
        (!print.is_empty()).then(|| print.join(";"))
    }

    /// Takes the readings out of the text of a small print.
    pub fn read_small_print(&mut self, text: &str) {
        for (number, reading) in text.split(';').filter_map(|entry| entry.split_once('=')) {
            if let Some(shown) = number
                .parse::<usize>()
                .ok()
                .and_then(|number| self.shows.get_mut(number))
            {
                shown.reading = Some(backwards(reading));
            }
        }
    }
}

fn backwards(text: &str) -> String {
    text.chars().rev().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_reads_back() {
        let shown = |step: &str, reading: Option<&str>| Shown {
            step: step.into(),
            score: 7,
            reading: reading.map(String::from),
            code: None,
            fail: reading.map(|_| "unclear".into()),
        };
        for shows in [
            vec![],
            vec![shown("a", None)],
            vec![shown("a", Some("-18.4 dBm")), shown("b", None)],
        ] {
            let truth = Truth {
                dr_number: "DR1".into(),
                photo: 3,
                shows,
            };
            let mut read = Truth::from_text(&truth.to_text()).unwrap();
            read.read_small_print(&truth.small_print().unwrap_or_default());
            assert_eq!(read, truth);
        }
        assert_eq!(Truth::from_text("garbage"), None);
    }
}
