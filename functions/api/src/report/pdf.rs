//! Pages as a PDF: real text in an embedded typeface, tagged for who can't see it.
//!
//! # Invariants
//! - The same pages are the same bytes: there is no clock and no chance in it.

use std::num::NonZeroU16;

use aws_sdk_s3::error::BoxError;
use krilla::color::rgb;
use krilla::destination::XyzDestination;
use krilla::geom::{PathBuilder, Point, Rect, Size, Transform};
use krilla::image::Image;
use krilla::metadata::Metadata;
use krilla::outline::{Outline, OutlineNode};
use krilla::page::PageSettings;
use krilla::paint::Fill;
use krilla::surface::Surface;
use krilla::tagging::{
    Artifact, ArtifactType, ContentTag, Identifier, Node, SpanTag, TableHeaderScope, Tag, TagGroup,
    TagTree,
};
use krilla::{Document, SerializeSettings};

use super::sheet::{Block, Head, Mark, PAGE, Sheet, WIDTH, What};

/// From a heading's base line to where a reader is led that goes to it.
const ABOVE: f32 = 24.0;
/// What all reports are written in.
const LANGUAGE: &str = "en";

/// The pages as a PDF of this title.
pub(super) fn write(
    sheet: &Sheet,
    title: &str,
    settings: SerializeSettings,
) -> Result<Vec<u8>, BoxError> {
    let mut document = Document::new_with(settings);
    let mut marked: Vec<Vec<Identifier>> = vec![Vec::new(); sheet.blocks.len()];
    for marks in &sheet.pages {
        let size = PageSettings::from_wh(PAGE.0, PAGE.1).ok_or("a page without a size")?;
        let mut page = document.start_page_with(size);
        let mut surface = page.surface();
        for mark in marks {
            let (tag, block) = tag_of(mark);
            let identifier = surface.start_tagged(tag);
            draw(&mut surface, mark, sheet)?;
            surface.end_tagged();
            if let Some(of) = block.and_then(|block| marked.get_mut(block)) {
                of.push(identifier);
            }
        }
        surface.finish();
        page.finish();
    }
    document.set_outline(outline(sheet));
    document.set_tag_tree(tree(&sheet.blocks, marked));
    let metadata = Metadata::new().title(title.to_owned());
    document.set_metadata(metadata.language(LANGUAGE.to_owned()));
    document
        .finish()
        .map_err(|cause| format!("{cause:?}").into())
}

fn tag_of(mark: &Mark) -> (ContentTag<'static>, Option<usize>) {
    match (&mark.what, mark.block) {
        (What::Text(..), Some(block)) => (ContentTag::Span(SpanTag::empty()), Some(block)),
        (_, Some(block)) => (ContentTag::Other, Some(block)),
        (_, None) => {
            let decoration = Artifact::with_kind(ArtifactType::PaginationOther);
            (ContentTag::Artifact(decoration), None)
        }
    }
}

fn draw(surface: &mut Surface<'_>, mark: &Mark, sheet: &Sheet) -> Result<(), BoxError> {
    match &mark.what {
        What::Text(text, style) => {
            surface.set_fill(Some(fill(style.colour)));
            let glyphs = sheet.typeface.glyphs(text, style.bold);
            let font = sheet.typeface.font(style.bold);
            let at = Point::from_xy(mark.x, mark.y);
            surface.draw_glyphs(at, &glyphs, font, text, style.size, false);
        }
        What::Rule(colour) => {
            let line =
                Rect::from_xywh(mark.x, mark.y, WIDTH, 0.5).ok_or("a line without a size")?;
            let mut path = PathBuilder::new();
            path.push_rect(line);
            surface.set_fill(Some(fill(*colour)));
            surface.draw_path(&path.finish().ok_or("a line without a size")?);
        }
        What::Picture(jpeg, width, height) => {
            let size = Size::from_wh(*width, *height).ok_or("a picture without a size")?;
            let image = Image::from_jpeg(jpeg.clone().into(), true)?;
            surface.push_transform(&Transform::from_translate(mark.x, mark.y));
            surface.draw_image(image, size);
            surface.pop();
        }
    }
    Ok(())
}

fn fill((red, green, blue): (u8, u8, u8)) -> Fill {
    Fill {
        paint: rgb::Color::new(red, green, blue).into(),
        ..Fill::default()
    }
}

/// The headings, with where they are.
fn outline(sheet: &Sheet) -> Outline {
    let mut outline = Outline::new();
    for (number, block) in sheet.blocks.iter().enumerate() {
        let Block::Heading(_, text) = block else {
            continue;
        };
        let on = |marks: &Vec<Mark>| {
            let mark = marks.iter().find(|mark| mark.block == Some(number))?;
            Some(mark.y)
        };
        let pages = sheet.pages.iter().enumerate();
        let mut found = pages.filter_map(|(page, marks)| Some((page, on(marks)?)));
        if let Some((page, y)) = found.next() {
            let place = XyzDestination::new(page, Point::from_xy(0.0, (y - ABOVE).max(0.0)));
            outline.push_child(OutlineNode::new(text.clone(), place));
        }
    }
    outline
}

/// The blocks as a tree of tags: cells in rows in tables, all else one after the other.
fn tree(blocks: &[Block], marked: Vec<Vec<Identifier>>) -> TagTree {
    let mut tree = TagTree::new().with_lang(Some(LANGUAGE.to_owned()));
    let mut open: Option<(usize, usize, Vec<Node>, TagGroup)> = None;
    for (block, identifiers) in blocks.iter().zip(marked) {
        let leaves: Vec<Node> = identifiers.into_iter().map(Node::from).collect();
        let Block::Cell { table, row, head } = block else {
            close(&mut tree, open.take());
            tree.push(alone(block, leaves));
            continue;
        };
        let cell = cell(*head, leaves);
        open = Some(match open.take() {
            Some((of, at, rows, mut cells)) if (of, at) == (*table, *row) => {
                cells.push(cell);
                (of, at, rows, cells)
            }
            Some((of, _, mut rows, cells)) if of == *table => {
                rows.push(cells.into());
                (of, *row, rows, TagGroup::with_children(Tag::TR, vec![cell]))
            }
            before => {
                close(&mut tree, before);
                let cells = TagGroup::with_children(Tag::TR, vec![cell]);
                (*table, *row, Vec::new(), cells)
            }
        });
    }
    close(&mut tree, open);
    tree
}

fn close(tree: &mut TagTree, open: Option<(usize, usize, Vec<Node>, TagGroup)>) {
    if let Some((_, _, mut rows, cells)) = open {
        rows.push(cells.into());
        tree.push(TagGroup::with_children(Tag::Table, rows));
    }
}

fn cell(head: Option<Head>, leaves: Vec<Node>) -> Node {
    let scope = match head {
        None => return TagGroup::with_children(Tag::TD, leaves).into(),
        Some(Head::Column) => TableHeaderScope::Column,
        Some(Head::Row) => TableHeaderScope::Row,
    };
    TagGroup::with_children(Tag::TH(scope), leaves).into()
}

fn alone(block: &Block, leaves: Vec<Node>) -> TagGroup {
    match block {
        Block::Heading(level, text) => {
            let level = NonZeroU16::new(*level).unwrap_or(NonZeroU16::MIN);
            TagGroup::with_children(Tag::Hn(level, Some(text.clone())), leaves)
        }
        Block::Figure(alt) => TagGroup::with_children(Tag::Figure(Some(alt.clone())), leaves),
        Block::Paragraph | Block::Cell { .. } => TagGroup::with_children(Tag::P, leaves),
    }
}
