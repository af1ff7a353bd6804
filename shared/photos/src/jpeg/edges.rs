//! The last blocks of a component, where the photo does not fill them: what they hold beside it is anybody's guess, and at
//! a part of the size it would mix into the photo's last samples, as a green line along its edge.
//!
//! Such a block is decoded from all of its coefficients, as if the photo's last column and row stood in its filling. That
//! is linear in each direction, so it is one more table of waves.

use super::frame::Component;
use super::idct::{Inverse, Scaling};

/// Kinds of blocks: inside, at the right edge, at the lower one, in the corner.
pub(super) const KINDS: usize = 4;

/// Where a component's edges are, and how the blocks there are scaled.
#[derive(Clone)]
pub(super) struct Edges {
    /// The column and the row of blocks that the photo fills in part; where there is none, one that never comes.
    column: usize,
    row: usize,
    /// By the kind of block.
    scalings: [Scaling; KINDS],
}

/// How blocks of each kind become samples.
pub(super) struct Inverses([Inverse; KINDS]);

impl Edges {
    /// The edges of a component at `samples`/8 of its size. In full no sample is a mixture.
    pub(super) fn new(component: &Component, samples: usize) -> Self {
        let inside = Scaling::new(samples);
        let own = |edge: f64| edge.ceil() as usize % 8;
        let (wide, high) = match inside.samples {
            8 => (0, 0),
            _ => (own(component.width), own(component.height)),
        };
        let at = |edge: f64, own: usize| {
            if own == 0 {
                usize::MAX
            } else {
                edge.ceil() as usize / 8
            }
        };
        Self {
            column: at(component.width, wide),
            row: at(component.height, high),
            scalings: [
                inside,
                Scaling::at_edge(samples, wide, 0),
                Scaling::at_edge(samples, 0, high),
                Scaling::at_edge(samples, wide, high),
            ],
        }
    }

    /// Samples of a block, across and down.
    pub(super) fn samples(&self) -> usize {
        self.inside().samples
    }

    /// The scaling of blocks inside.
    pub(super) fn inside(&self) -> &Scaling {
        let [inside, ..] = &self.scalings;
        inside
    }

    /// The kind of a block.
    #[inline(always)]
    pub(super) fn kind(&self, x: usize, y: usize) -> usize {
        usize::from(x == self.column) + 2 * usize::from(y == self.row)
    }

    /// The scaling of a kind.
    #[inline(always)]
    pub(super) fn scaling(&self, kind: usize) -> &Scaling {
        self.scalings.get(kind).unwrap_or(self.inside())
    }

    /// How many blocks are at the edges, of so many.
    pub(super) fn blocks(&self, wide: usize, high: usize) -> usize {
        let column = if self.column < wide { high } else { 0 };
        let row = if self.row < high { wide } else { 0 };
        column + row
    }

    /// The place of an edge's block among them, of `high` rows: those of the column come first.
    #[inline]
    pub(super) fn place(&self, x: usize, y: usize, high: usize) -> usize {
        match (x == self.column, self.column) {
            (true, _) => y,
            (false, usize::MAX) => x,
            (false, _) => high + x,
        }
    }

    /// The inverse transforms, with the quantisation table that belongs to them.
    pub(super) fn inverses(&self, quantisation: &[u16; 64]) -> Inverses {
        let mut inverses = [const { Inverse::none() }; KINDS];
        let kinds = self.scalings.iter().enumerate();
        for (inverse, (kind, scaling)) in inverses.iter_mut().zip(kinds) {
            if self.comes(kind) {
                *inverse = scaling.inverse(quantisation);
            }
        }
        Inverses(inverses)
    }

    /// Whether there are blocks of a kind.
    fn comes(&self, kind: usize) -> bool {
        (kind & 1 == 0 || self.column < usize::MAX) && (kind & 2 == 0 || self.row < usize::MAX)
    }
}

impl Inverses {
    /// The inverse transform of a kind.
    #[inline(always)]
    pub(super) fn of(&self, kind: usize) -> &Inverse {
        let [inside, ..] = &self.0;
        self.0.get(kind).unwrap_or(inside)
    }
}
