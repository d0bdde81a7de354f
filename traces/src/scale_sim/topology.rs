//! A topology of SCALE-Sim: a layer a line, as the extents of a product or as a convolution, which is
//! the product of its windows with its filters. Which of both it is, is in the header; lines may end in
//! a comma or not.

use super::{ScaleSimError, excerpt, whole};
use crate::nearest::nearest;

/// A layer as a product [m, k] x [k, n].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    /// Name.
    pub name: String,
    /// Line of the file, counted from 1.
    pub line: u64,
    /// Rows: tokens, or output pixels.
    pub m: u64,
    /// Reduction: the words of a window.
    pub k: u64,
    /// Columns: features, or filters.
    pub n: u64,
    /// Words of the input; fewer than `m * k` where windows overlap.
    pub input_words: u64,
    /// Equal products: channels of a depth-wise convolution, or a batch.
    pub repeats: u64,
    /// Weights kept of each so many in the reduction; all where it is absent.
    pub sparsity: Option<(u64, u64)>,
}

/// Layers in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topology {
    /// Whether the layers are convolutions.
    pub convolutions: bool,
    /// The layers.
    pub layers: Vec<Layer>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Column {
    Name,
    M,
    N,
    K,
    InputHeight,
    InputWidth,
    FilterHeight,
    FilterWidth,
    Channels,
    Filters,
    Stride,
    StrideWidth,
    Sparsity,
    Batch,
}

/// Headings, in lower case and letters only.
const HEADINGS: [(&str, Column); 20] = [
    ("layer", Column::Name),
    ("layername", Column::Name),
    ("m", Column::M),
    ("n", Column::N),
    ("k", Column::K),
    ("ifmapheight", Column::InputHeight),
    ("ifmapwidth", Column::InputWidth),
    ("filterheight", Column::FilterHeight),
    ("filterwidth", Column::FilterWidth),
    ("channels", Column::Channels),
    ("numfilter", Column::Filters),
    ("numfilters", Column::Filters),
    ("strides", Column::Stride),
    ("stride", Column::Stride),
    ("strideheight", Column::Stride),
    ("stridewidth", Column::StrideWidth),
    ("sparsity", Column::Sparsity),
    ("sparsityratio", Column::Sparsity),
    ("batch", Column::Batch),
    ("batchsize", Column::Batch),
];

const PRODUCT: [Column; 4] = [Column::Name, Column::M, Column::N, Column::K];
const CONVOLUTION: [Column; 8] = [
    Column::Name,
    Column::InputHeight,
    Column::InputWidth,
    Column::FilterHeight,
    Column::FilterWidth,
    Column::Channels,
    Column::Filters,
    Column::Stride,
];

fn heading(column: Column) -> &'static str {
    let mut headings = HEADINGS.iter();
    headings
        .find(|(_, of)| *of == column)
        .map_or("", |(name, _)| name)
}

fn folded(text: &str) -> String {
    let letters = text.chars().filter(|letter| letter.is_alphanumeric());
    letters.collect::<String>().to_lowercase()
}

struct Line<'a> {
    origin: &'a str,
    number: u64,
    columns: &'a [Column],
    fields: Vec<&'a str>,
}

impl Topology {
    /// Reads a topology. `origin` is what errors call it.
    pub fn parse(origin: &str, text: &str) -> Result<Topology, ScaleSimError> {
        let mut lines = (1..)
            .zip(text.trim_start_matches('\u{feff}').lines())
            .filter(|(_, line)| !line.trim().trim_matches(',').is_empty());
        let fault = |line, field: &str, rule: &str, nearest| ScaleSimError {
            origin: origin.to_owned(),
            line: Some(line),
            field: excerpt(field),
            rule: rule.to_owned(),
            nearest,
        };
        let Some((line, header)) = lines.next() else {
            return Err(fault(1, "(header)", "there is nothing in it", None));
        };
        let mut columns = Vec::new();
        for name in fields(header) {
            let wanted = folded(name);
            let known = HEADINGS.iter().find(|(known, _)| *known == wanted);
            let Some(&(_, column)) = known else {
                let near = nearest(&wanted, HEADINGS.iter().map(|(known, _)| *known));
                return Err(fault(line, name, "no column of this name is known", near));
            };
            if columns.contains(&column) {
                return Err(fault(line, name, "stands in the header twice", None));
            }
            columns.push(column);
        }
        let convolutions = columns.contains(&Column::InputHeight);
        let needed: &[Column] = if convolutions { &CONVOLUTION } else { &PRODUCT };
        if let Some(missing) = needed.iter().find(|column| !columns.contains(column)) {
            let rule = "this column is needed: products have Layer, M, N, K, convolutions Layer name, \
                        IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, \
                        Strides";
            return Err(fault(line, heading(*missing), rule, None));
        }
        let mut layers = Vec::new();
        for (number, text) in lines {
            let line = Line {
                origin,
                number,
                columns: &columns,
                fields: fields(text).collect(),
            };
            layers.push(if convolutions {
                line.convolution()?
            } else {
                line.product()?
            });
        }
        if layers.is_empty() {
            return Err(fault(
                line,
                "(header)",
                "there is a header and no layer",
                None,
            ));
        }
        Ok(Topology {
            convolutions,
            layers,
        })
    }
}

/// The fields of a line; the comma at its end begins none.
fn fields(line: &str) -> impl Iterator<Item = &str> {
    let line = line.trim();
    line.strip_suffix(',')
        .unwrap_or(line)
        .split(',')
        .map(str::trim)
}

impl Line<'_> {
    fn fault(&self, column: Column, rule: String) -> ScaleSimError {
        ScaleSimError {
            origin: self.origin.to_owned(),
            line: Some(self.number),
            field: heading(column).to_owned(),
            rule,
            nearest: None,
        }
    }

    fn get(&self, column: Column) -> Option<&str> {
        let index = self.columns.iter().position(|of| *of == column)?;
        self.fields
            .get(index)
            .copied()
            .filter(|field| !field.is_empty())
    }

    fn whole(&self, column: Column) -> Result<u64, ScaleSimError> {
        whole(self.get(column).unwrap_or_default()).map_err(|rule| self.fault(column, rule))
    }

    fn whole_or(&self, column: Column, absent: u64) -> Result<u64, ScaleSimError> {
        self.get(column).map_or(Ok(absent), |_| self.whole(column))
    }

    fn checked(&self) -> Result<(String, Option<(u64, u64)>), ScaleSimError> {
        if self.fields.len() > self.columns.len() {
            let (fields, columns) = (self.fields.len(), self.columns.len());
            let rule = format!("{fields} fields under {columns} headings");
            return Err(ScaleSimError {
                field: "(whole line)".to_owned(),
                ..self.fault(Column::Name, rule)
            });
        }
        let Some(name) = self.get(Column::Name) else {
            return Err(self.fault(Column::Name, "must not be empty".to_owned()));
        };
        Ok((excerpt(name), self.sparsity()?))
    }

    /// `N:M`, or 1 where nothing is left out.
    fn sparsity(&self) -> Result<Option<(u64, u64)>, ScaleSimError> {
        let Some(text) = self.get(Column::Sparsity).filter(|text| *text != "1") else {
            return Ok(None);
        };
        let ratio = text.split_once(':').and_then(|(kept, of)| {
            let (kept, of) = (whole(kept.trim()).ok()?, whole(of.trim()).ok()?);
            (kept <= of && of <= 1 << 10).then_some((kept, of))
        });
        let Some((kept, of)) = ratio else {
            let rule = format!(
                "must be N:M, N of each M weights, M at most 1024; found '{}'",
                excerpt(text)
            );
            return Err(self.fault(Column::Sparsity, rule));
        };
        Ok((kept < of).then_some((kept, of)))
    }

    fn product(&self) -> Result<Layer, ScaleSimError> {
        let (name, sparsity) = self.checked()?;
        let (m, k) = (self.whole(Column::M)?, self.whole(Column::K)?);
        Ok(Layer {
            name,
            line: self.number,
            m,
            k,
            n: self.whole(Column::N)?,
            input_words: m * k,
            repeats: self.whole_or(Column::Batch, 1)?,
            sparsity,
        })
    }

    fn convolution(&self) -> Result<Layer, ScaleSimError> {
        let (name, sparsity) = self.checked()?;
        let stride = self.whole(Column::Stride)?;
        let height = self.side(Column::InputHeight, Column::FilterHeight, stride)?;
        let stride = self.whole_or(Column::StrideWidth, stride)?;
        let width = self.side(Column::InputWidth, Column::FilterWidth, stride)?;
        // Names with DP are depth-wise: every channel is a layer of its own.
        let channels = self.whole(Column::Channels)?;
        let (channels, repeats) = if name.contains("DP") {
            (1, channels)
        } else {
            (channels, 1)
        };
        let (m, k) = (
            height.outputs * width.outputs,
            height.filter * width.filter * channels,
        );
        let n = self.whole(Column::Filters)?;
        for (what, extent) in [("output pixels", m), ("words of a window", k)] {
            if extent > super::MOST {
                let rule = format!("{extent} {what}; at most {} are counted", super::MOST);
                return Err(self.fault(Column::InputHeight, rule));
            }
        }
        Ok(Layer {
            name,
            line: self.number,
            m,
            k,
            n,
            input_words: height.covered * width.covered * channels,
            repeats: repeats * self.whole_or(Column::Batch, 1)?,
            sparsity,
        })
    }

    /// Windows along one side of the input, rounded up as SCALE-Sim rounds: the last may reach
    /// beyond the input, and reads nothing there.
    fn side(&self, input: Column, filter: Column, stride: u64) -> Result<Side, ScaleSimError> {
        let (extent, size) = (self.whole(input)?, self.whole(filter)?);
        if size > extent {
            let rule = format!("a filter of {size} is larger than its input of {extent}");
            return Err(self.fault(filter, rule));
        }
        let outputs = (extent - size + stride).div_ceil(stride);
        let covered = if stride < size {
            extent.min((outputs - 1) * stride + size)
        } else {
            let last = size.min(extent.saturating_sub((outputs - 1) * stride));
            (outputs - 1) * size + last
        };
        Ok(Side {
            outputs,
            filter: size,
            covered,
        })
    }
}

struct Side {
    outputs: u64,
    filter: u64,
    covered: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_are_read_with_and_without_the_last_comma() {
        for text in [
            "Layer,M,N,K,\nqkv, 7, 1000, 4096,\n\n",
            "Layer name,M,N,K\r\nqkv,7,1000,4096\r\n",
            "Layer, K, M, N, Sparsity, Batch,\nqkv, 4096, 7, 1000, 1:1, 1,\n",
        ] {
            let topology = Topology::parse("t.csv", text).expect("a sound file");
            assert!(!topology.convolutions);
            let layer = &topology.layers[0];
            assert_eq!((layer.m, layer.k, layer.n), (7, 4096, 1000), "{text}");
            assert_eq!((layer.line, layer.repeats, layer.sparsity), (2, 1, None));
        }
        let text = "Layer, M, N, K, Sparsity, Batch,\nq, 7, 10, 40, 2:4, 12,\n";
        let layers = Topology::parse("t.csv", text).expect("a sound file").layers;
        assert_eq!((layers[0].sparsity, layers[0].repeats), (Some((2, 4)), 12));
    }

    const CONV: &str = "Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, \
        Channels, Num Filter, Strides,\n";

    #[test]
    fn convolutions_are_products_of_windows() {
        // AlexNet: 224 x 224 x 3 by 11 x 11, stride 4; the last window reaches a pixel beyond.
        let text = format!("{CONV}Conv1,224,224,11,11,3,96,4,\nConvDP,8,6,3,3,16,1,1,\n");
        let layers = Topology::parse("t.csv", &text)
            .expect("a sound file")
            .layers;
        let of = |layer: &Layer| (layer.m, layer.k, layer.n, layer.input_words, layer.repeats);
        assert_eq!(of(&layers[0]), (55 * 55, 363, 96, 224 * 224 * 3, 1));
        assert_eq!(of(&layers[1]), (6 * 4, 9, 1, 8 * 6, 16));
        // Windows of one pixel, every second. SCALE-Sim rounds their number up: a 29th on each
        // side lies beyond the input, is computed, and reads nothing.
        let text = format!("{CONV}Skip,56,56,1,1,256,512,2,\n");
        let layers = Topology::parse("t.csv", &text)
            .expect("a sound file")
            .layers;
        assert_eq!(of(&layers[0]), (29 * 29, 256, 512, 784 * 256, 1));
    }

    #[test]
    fn faults_are_named_by_line_and_column() {
        let gemm = "Layer,M,N,K,\n";
        for (text, line, field, words) in [
            (String::new(), 1, "(header)", "nothing"),
            (gemm.to_owned(), 1, "(header)", "no layer"),
            ("Layer,M,N,\na,1,2,\n".to_owned(), 1, "k", "needed"),
            ("Layer,M,N,Kay,\n".to_owned(), 1, "Kay", "no column"),
            ("Layer,M,N,M,K\n".to_owned(), 1, "M", "twice"),
            (format!("{gemm}a,1,2,3,\nb,1,x,3,\n"), 3, "n", "found 'x'"),
            (format!("{gemm}a,1,2,\n"), 2, "k", "found ''"),
            (
                format!("{gemm}a,1,2,3,4,5\n"),
                2,
                "(whole line)",
                "6 fields",
            ),
            (format!("{gemm},1,2,3,\n"), 2, "layer", "empty"),
            (
                format!("{CONV}a,5,5,6,3,2,6,1,\n"),
                2,
                "filterheight",
                "larger",
            ),
            (
                "Layer,M,N,K,Sparsity\na,1,2,3,4:2\n".to_owned(),
                2,
                "sparsity",
                "N:M",
            ),
        ] {
            let error = Topology::parse("t.csv", &text).expect_err(words);
            assert_eq!(
                (error.line, error.field.as_str()),
                (Some(line), field),
                "{error}"
            );
            assert!(error.rule.contains(words), "{error}");
        }
    }
}
