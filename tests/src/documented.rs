//! The code blocks of the documentation, and the table that says how each is checked. Pure.

use std::fmt;

/// A fenced code block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// The document, relative to the checkout.
    pub file: String,
    /// The line of its first fence, from 1.
    pub line: usize,
    /// The language after the fence; empty where there is none.
    pub language: String,
    /// What is between the fences, without their indentation.
    pub text: String,
}

/// How a block is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// The story of this name runs it.
    Run(&'static str),
    /// Its language's parser accepts it.
    Parse,
    /// Not at all, for this reason; its language's parser accepts it all the same, if it names a language.
    Shown(&'static str),
}

/// What the table says about a block.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The block's document.
    pub file: &'static str,
    /// How the block's text begins: enough of it to tell the document's blocks apart.
    pub begins: &'static str,
    /// How it is checked.
    pub check: Check,
}

impl Row {
    /// Whether the row is about this block.
    #[must_use]
    pub fn names(&self, block: &Block) -> bool {
        self.file == block.file && block.text.starts_with(self.begins)
    }
}

impl fmt::Display for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{} ({})", self.file, self.line, self.text.lines().next().unwrap_or_default())
    }
}

/// The fenced code blocks of a Markdown text. A block that is never closed ends with the text.
#[must_use]
pub fn blocks(file: &str, markdown: &str) -> Vec<Block> {
    let mut found = Vec::new();
    let mut lines = (1..).zip(markdown.lines());
    while let Some((line, opening)) = lines.next() {
        let Some(fence) = Fence::opened_by(opening) else { continue };
        let inside = lines.by_ref().map(|(_, line)| line).take_while(|line| !fence.is_closed_by(line));
        let text = inside.map(|line| fence.unindented(line).to_owned() + "\n").collect();
        found.push(Block { file: file.to_owned(), line, language: fence.language.to_owned(), text });
    }
    found
}

/// What is wrong with the table: each block must be in one row, and each row must name one block.
#[must_use]
pub fn complaints(blocks: &[Block], rows: &[Row]) -> Vec<String> {
    let of_blocks = blocks.iter().filter_map(|block| {
        let count = rows.iter().filter(|row| row.names(block)).count();
        (count != 1).then(|| format!("{block} is in {count} rows of the table"))
    });
    let of_rows = rows.iter().filter_map(|row| {
        let count = blocks.iter().filter(|block| row.names(block)).count();
        (count != 1).then(|| format!("{} has {count} blocks that begin with {:?}", row.file, row.begins))
    });
    of_blocks.chain(of_rows).collect()
}

/// How a code block opens: with three or more backticks or tildes, maybe indented, maybe with a language.
struct Fence<'a> {
    indentation: usize,
    marks: &'a str,
    language: &'a str,
}

impl<'a> Fence<'a> {
    fn opened_by(line: &'a str) -> Option<Self> {
        let fence = line.trim_start();
        let mark = fence.chars().next().filter(|mark| matches!(mark, '`' | '~'))?;
        let info = fence.trim_start_matches(mark);
        let marks = &fence[..fence.len() - info.len()];
        // Backticks after the marks make it code within a line.
        let opens = marks.len() >= 3 && !info.contains('`');
        let language = info.split_whitespace().next().unwrap_or_default();
        opens.then_some(Self { indentation: line.len() - fence.len(), marks, language })
    }

    fn is_closed_by(&self, line: &str) -> bool {
        let rest = line.trim().strip_prefix(self.marks);
        rest.is_some_and(|rest| rest.chars().all(|mark| self.marks.starts_with(mark)))
    }

    fn unindented<'b>(&self, line: &'b str) -> &'b str {
        let spaces = line.len() - line.trim_start_matches(' ').len();
        &line[spaces.min(self.indentation)..]
    }
}

#[cfg(test)]
mod tests {
    use super::{Block, Check, Row, blocks, complaints};

    fn block(line: usize, language: &str, text: &str) -> Block {
        Block { file: "a.md".into(), line, language: language.into(), text: text.into() }
    }

    fn row(begins: &'static str) -> Row {
        Row { file: "a.md", begins, check: Check::Parse }
    }

    #[test]
    fn a_block_has_its_language_its_place_and_its_text() {
        let markdown = "# Title\n\n```sh\necho 1\n\n  echo 2\n```\ntext\n```\nplain\n```\n";
        let expected = [block(3, "sh", "echo 1\n\n  echo 2\n"), block(9, "", "plain\n")];
        assert_eq!(blocks("a.md", markdown), expected);
    }

    #[test]
    fn an_indented_block_loses_the_indentation_of_its_fence_alone() {
        let markdown = "* item:\n\n  ```json\n  {\n    \"a\": 1}\n\n  ```\n";
        assert_eq!(blocks("a.md", markdown), [block(3, "json", "{\n  \"a\": 1}\n\n")]);
    }

    #[test]
    fn a_longer_fence_holds_shorter_ones_and_tildes_hold_backticks() {
        assert_eq!(blocks("a.md", "````md\n```\nx\n```\n````\n"), [block(1, "md", "```\nx\n```\n")]);
        assert_eq!(blocks("a.md", "~~~ sh title\n```\n~~~\n"), [block(1, "sh", "```\n")]);
    }

    #[test]
    fn code_within_a_line_is_no_block_and_an_open_block_ends_with_the_text() {
        assert_eq!(blocks("a.md", "```x``` and `y`\n"), []);
        assert_eq!(blocks("a.md", "```sh\necho\n"), [block(1, "sh", "echo\n")]);
    }

    #[test]
    fn a_block_in_one_row_and_a_row_of_one_block_are_right() {
        let blocks = [block(1, "sh", "echo 1\n"), block(5, "sh", "echo 2\n")];
        assert_eq!(complaints(&blocks, &[row("echo 1"), row("echo 2")]), Vec::<String>::new());
    }

    #[test]
    fn blocks_in_no_row_and_rows_of_no_block_or_of_two_are_complained_of() {
        let blocks = [block(1, "sh", "echo 1\n"), block(5, "sh", "echo 2\n"), block(9, "sql", "select\n")];
        let expected = [
            "a.md:9 (select) is in 0 rows of the table",
            "a.md has 2 blocks that begin with \"echo\"",
            "a.md has 0 blocks that begin with \"print\"",
        ];
        assert_eq!(complaints(&blocks, &[row("echo"), row("print")]), expected);
        let elsewhere = Row { file: "b.md", ..row("echo 1") };
        assert_eq!(complaints(&blocks[..1], &[elsewhere]).len(), 2);
    }
}
