//! An ELF file that may be damaged, as far as it has to be known here.

use object::elf;
use object::read::elf::ElfFile64;
use object::{Architecture, Endianness, Object, ObjectSection, ObjectSymbol};

/// A file of the form that programs and libraries have.
pub(crate) struct Elf<'a>(ElfFile64<'a, Endianness>);

#[cfg(target_arch = "x86_64")]
const OURS: Architecture = Architecture::X86_64;
#[cfg(target_arch = "aarch64")]
const OURS: Architecture = Architecture::Aarch64;

/// The machine that this server is for, as [`Elf::architecture`] names it.
pub(super) fn our_architecture() -> String {
    format!("{OURS:?}")
}

impl<'a> Elf<'a> {
    /// The error is a sentence without its subject.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, String> {
        if bytes.is_empty() {
            return Err("is empty".to_owned());
        }
        if !bytes.starts_with(&elf::ELFMAG) {
            return Err("is not a shared library (it has no ELF header)".to_owned());
        }
        if bytes.get(4) != Some(&elf::ELFCLASS64.0) {
            return Err(format!(
                "is built for a 32-bit machine, and this server is for {}",
                std::env::consts::ARCH
            ));
        }
        ElfFile64::parse(bytes).map(Self).map_err(|error| format!("is a damaged library ({error})"))
    }

    /// The machine.
    pub fn architecture(&self) -> String {
        let order = if self.0.is_little_endian() { "" } else { ", big-endian" };
        format!("{:?}{order}", self.0.architecture())
    }

    /// Whether it is a program, and not a library. Programs that can be loaded anywhere are of the kind that libraries are, and
    /// marked (DF_1_PIE).
    pub fn is_program(&self) -> bool {
        let kind = self.0.elf_header().e_type.get(self.0.endian());
        let flags = self.0.elf_dynamic_table().map(|table| {
            table.iter().find(|entry| entry.tag == elf::DT_FLAGS_1).map_or(0, |entry| entry.val)
        });
        kind != elf::ET_DYN || flags.is_ok_and(|flags| flags & elf::DF_1_PIE.0 != 0)
    }

    /// The libraries that it names (DT_NEEDED).
    pub fn needed(&self) -> Vec<String> {
        let Ok(table) = self.0.elf_dynamic_table() else { return Vec::new() };
        let names = table
            .iter()
            .filter(|entry| entry.tag == elf::DT_NEEDED)
            .filter_map(|entry| table.string(entry).ok());
        names.map(|name| String::from_utf8_lossy(name).into_owned()).collect()
    }

    /// The libgo among them.
    pub fn libgo(&self) -> Option<String> {
        self.needed().into_iter().find(|name| name.starts_with("libgo.so"))
    }

    /// Whether there is a section of this name.
    pub fn has_section(&self, name: &str) -> bool {
        self.0.section_by_name(name).is_some()
    }

    /// The content of a section.
    pub fn section(&self, name: &str) -> Option<&'a [u8]> {
        self.0.section_by_name(name)?.data().ok()
    }

    /// Whether others find a symbol of this name in it.
    pub fn defines(&self, name: &str) -> bool {
        self.0.dynamic_symbols().any(|symbol| symbol.is_definition() && symbol.name() == Ok(name))
    }

    /// The symbols that others are to have for it, whose names start so.
    pub fn needs(&self, start: &str) -> Vec<String> {
        let needed = self.0.dynamic_symbols().filter(ObjectSymbol::is_undefined);
        let names = needed.filter_map(|symbol| symbol.name().ok());
        names.filter(|name| name.starts_with(start)).map(str::to_owned).collect()
    }

    /// Whether it has a symbol, or needs one, whose name starts so. An executable with all in it has no dynamic symbols, and a
    /// library may be stripped of the others.
    pub fn mentions(&self, start: &str) -> bool {
        self.0
            .dynamic_symbols()
            .chain(self.0.symbols())
            .any(|symbol| symbol.name().is_ok_and(|name| name.starts_with(start)))
    }
}
