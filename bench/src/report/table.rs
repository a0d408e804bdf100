//! A table in Markdown, its columns aligned.

use std::fmt;

/// Rows of cells. The first column is aligned to the left, all others to the right.
pub struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// With the cells of the heading.
    pub fn new<'a>(heading: impl IntoIterator<Item = &'a str>) -> Self {
        Self { rows: vec![heading.into_iter().map(str::to_owned).collect()] }
    }

    /// Adds a row.
    pub fn push(&mut self, row: Vec<String>) {
        self.rows.push(row);
    }

    fn width(&self, column: usize) -> usize {
        let cells = self.rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    }

    fn rule(&self) -> String {
        let columns = 0..self.rows[0].len();
        let dashes = |column: usize| {
            let dashes = "-".repeat(self.width(column) + 1);
            if column == 0 { format!("{dashes}-|") } else { format!("{dashes}:|") }
        };
        columns.map(dashes).collect()
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, row) in self.rows.iter().enumerate() {
            f.write_str("|")?;
            for (column, cell) in row.iter().enumerate() {
                let width = self.width(column);
                if column == 0 { write!(f, " {cell:<width$} |")? } else { write!(f, " {cell:>width$} |")? }
            }
            writeln!(f)?;
            if number == 0 {
                writeln!(f, "|{}", self.rule())?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned() {
        let mut table = Table::new(["who", "µs"]);
        table.push(vec!["nginx".to_owned(), "4.50".to_owned()]);
        assert_eq!(table.to_string(), "| who   |   µs |\n|-------|-----:|\n| nginx | 4.50 |\n");
    }
}
