//! Files that are no photo, or hardly one, end nothing: each has a row that says why, and the good
//! photo beside them is measured.

use image::{ImageFormat, RgbImage};
use photos::size_policy::{CURRENT_VERSION, SizePolicy};

use super::attempt::attempt;
use super::compare::{Round, Seen, Settings, row};
use super::folder::{self, Photo};
use super::reference::Reference;
use super::result::Row;
use super::side::{Answer, Outcome};
use super::{calibrate, grid, memory, print, split, worker};

const SETTINGS: Settings = Settings {
    long_edge: 800,
    quality: 85,
    rounds: 2,
};

fn drawn(width: u32, height: u32, format: ImageFormat) -> Vec<u8> {
    let pixel = |x: u32, y: u32| image::Rgb([(x * 3) as u8, (y * 5) as u8, (x + y) as u8]);
    let mut bytes = std::io::Cursor::new(Vec::new());
    let picture = RgbImage::from_fn(width, height, pixel);
    picture.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

/// A small JPEG whose header says 4000 × 3000, and that has no pixels behind the header.
fn cut_off_at_12_megapixels() -> Vec<u8> {
    let mut bytes = claiming(4000, 3000);
    let pixels_at = bytes
        .windows(2)
        .position(|two| two == [0xFF, 0xDA])
        .unwrap();
    // Its marker and 12 bytes are the header of the only scan.
    bytes.truncate(pixels_at + 14);
    bytes
}

/// A small JPEG whose header says another size.
fn claiming(width: u16, height: u16) -> Vec<u8> {
    let mut bytes = drawn(16, 16, ImageFormat::Jpeg);
    let size_at = bytes
        .windows(2)
        .position(|two| two == [0xFF, 0xC0])
        .unwrap()
        + 5;
    let size = [height.to_be_bytes(), width.to_be_bytes()].concat();
    bytes[size_at..size_at + 4].copy_from_slice(&size);
    bytes
}

/// A folder of odd files and one good photo, by name.
fn photos(test: &str) -> Vec<Photo> {
    // Anew, without what an earlier version of this test left.
    std::fs::remove_dir_all(folder::made(test).unwrap()).unwrap();
    let folder = folder::made(test).unwrap();
    for (name, bytes) in [
        ("dot.png", drawn(1, 1, ImageFormat::Png)),
        ("claims-too-much.jpg", claiming(65_500, 65_500)),
        ("empty.jpg", vec![]),
        (
            "broken.heic",
            b"\0\0\0\x18ftypheic\0\0\0\0heicmif1".to_vec(),
        ),
        ("good.jpg", drawn(160, 120, ImageFormat::Jpeg)),
        ("notes", b"{}".to_vec()),
        ("text.jpg", b"not a photo".to_vec()),
        ("tiny.jpg", drawn(4, 4, ImageFormat::Jpeg)),
    ] {
        std::fs::write(folder.join(name), bytes).unwrap();
    }
    std::os::unix::fs::symlink("nowhere", folder.join("link.jpg")).unwrap();
    folder::photos(Some(&folder)).unwrap().1
}

fn policy() -> &'static SizePolicy {
    SizePolicy::shipped(CURRENT_VERSION).unwrap()
}

/// This pipeline's answer, which here stands for sharp's as well.
fn answer(photo: &Photo) -> Answer {
    worker::answer(&SETTINGS.request(&[photo], 1, true)).unwrap()
}

fn outcome(photo: &Photo) -> Outcome {
    answer(photo).photos.remove(0).outcome
}

fn compared(photo: &Photo, sharp: Outcome) -> Row {
    let rounds = [(); 2].map(|()| Round {
        ours: Ok(answer(photo)),
        sharp: Ok(answer(photo)),
    });
    let ours = outcome(photo);
    let reference = attempt(|| Reference::decode(&std::fs::read(&photo.path)?));
    row(photo, Seen { ours, sharp }, &rounds, &reference)
}

#[test]
fn each_odd_file_has_a_row_that_says_what_went_wrong() {
    let photos = photos("odd-rows");
    let rows: Vec<Row> = photos
        .iter()
        .map(|photo| compared(photo, outcome(photo)))
        .collect();
    let table = print::photos(&rows);
    let json = serde_json::to_value(&rows).unwrap();
    assert_eq!(table.lines().count(), 2 + photos.len());
    for (name, reason) in [
        ("dot.png", "no quality: "),
        ("broken.heic", "refused: "),
        ("claims-too-much.jpg", "refused: "),
        ("empty.jpg", "refused: "),
        ("notes", "refused: "),
        ("link.jpg", "refused: No such file"),
        ("text.jpg", "refused: "),
        ("tiny.jpg", "no quality: "),
    ] {
        let at = photos.iter().position(|photo| photo.name == name).unwrap();
        let (line, json) = (table.lines().nth(2 + at).unwrap(), json[at].to_string());
        assert!(line.starts_with(name) && line.contains(reason), "{table}");
        assert!(
            json.contains("refused") || json.contains("no_quality"),
            "{json}"
        );
    }
    assert_eq!(
        rows.iter()
            .filter(|row| row.quality_delta().is_some())
            .count(),
        1
    );
}

#[test]
fn a_header_that_claims_more_than_there_is_memory_for_has_no_reference() {
    let refused = attempt(|| Reference::decode(&claiming(65_500, 65_500))).err();
    assert_eq!(refused.as_deref(), Some("it claims 65500 x 65500 pixels"));
}

#[test]
fn a_photo_that_one_side_refuses_has_the_other_sides_figures_and_the_reason() {
    let photos = photos("odd-side");
    let good = photos
        .iter()
        .find(|photo| photo.name == "good.jpg")
        .unwrap();
    let refused = Outcome::Refused {
        error: "Input file:\nunsupported".into(),
    };
    let row = compared(good, refused);
    assert!(row.ours.as_ref().unwrap().quality.is_some() && row.time_ratio.is_none());
    assert!(print::photos(&[row]).ends_with("sharp: refused: unsupported"));
}

#[test]
fn a_side_that_ends_in_a_round_is_a_refusal() {
    let photos = photos("odd-round");
    let good = photos
        .iter()
        .find(|photo| photo.name == "good.jpg")
        .unwrap();
    let seen = Seen {
        ours: outcome(good),
        sharp: outcome(good),
    };
    let round = Round {
        ours: Ok(answer(good)),
        sharp: Err(anyhow::anyhow!("it ended")),
    };
    let row = row(good, seen, &[round], &Err("no decoder".into()));
    assert_eq!(row.sharp.unwrap_err().refused, "it ended");
    let no_quality = row.ours.unwrap().no_quality;
    assert_eq!(
        no_quality.as_deref(),
        Some("there is no reference: no decoder")
    );
}

#[test]
fn the_stages_of_the_others_are_measured() {
    let photos = photos("odd-split");
    let split = split::measure(&photos, &SETTINGS, policy());
    let report = split::report(&split);
    assert_eq!(split.rows.len(), photos.len());
    assert!(
        split.medians.is_some() && report.contains("link.jpg: No such file"),
        "{report}"
    );
    let empty = photos.into_iter().filter(|photo| photo.name == "empty.jpg");
    let none = split::measure(&empty.collect::<Vec<_>>(), &SETTINGS, policy());
    assert!(split::report(&none).contains("no photo could be prepared"));
}

#[test]
fn the_others_are_calibrated_with() {
    let photos = photos("odd-calibrate");
    let found = calibrate::measure(&photos, policy());
    let left_out: Vec<&str> = found
        .left_out
        .iter()
        .map(|left| left.photo.as_str())
        .collect();
    assert!(
        left_out.contains(&"empty.jpg") && left_out.contains(&"text.jpg"),
        "{left_out:?}"
    );
    assert!(!left_out.contains(&"good.jpg"));
    assert!(calibrate::report(&found).contains("link.jpg is left out: No such file"));
}

#[test]
fn memory_is_measured_with_the_photos_that_are_read() {
    // All in one folder, which `photos` makes.
    let folder = photos("odd-memory")[0].path.parent().unwrap().to_owned();
    std::fs::write(folder.join("cut-off.jpg"), cut_off_at_12_megapixels()).unwrap();
    let photos = folder::photos(Some(&folder)).unwrap().1;
    let chosen = memory::choose(&photos, |photo| match outcome(photo) {
        Outcome::Prepared(_) => Ok(()),
        Outcome::Refused { error } => anyhow::bail!(error),
    });
    assert!(chosen.baseline.is_empty() && chosen.progressive.is_empty());
    let left_out: Vec<&str> = chosen
        .left_out
        .iter()
        .map(|left| left.photo.as_str())
        .collect();
    assert_eq!(left_out, ["cut-off.jpg"]);
    assert!(grid::of_48_megapixels(&photos, |_| Ok(())).is_none());
}
