//! From what a maker calls a device to the short word that actions ask for it by. Pure.

use whirl_model::GpuClass;

/// The class of what is called nothing in particular.
const ANY: &str = "gpu";
const LONGEST: usize = 64;
/// Words that tell the maker, the form or the connection, and not what the device can do.
const NOISE: [&str; 15] = [
    "nvidia",
    "tesla",
    "geforce",
    "quadro",
    "gpu",
    "mig",
    "pcie",
    "nvl",
    "with",
    "laptop",
    "design",
    "generation",
    "edition",
    "server",
    "workstation",
];

/// The class of a model: `NVIDIA H100 80GB HBM3` is `h100`, `NVIDIA GeForce RTX 4090` is `rtx-4090`. What differs in
/// size or form alone is of one class.
#[must_use]
pub fn class_of(model: &str) -> GpuClass {
    let lower = model.to_ascii_lowercase();
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_');
    let words = lower.split(|c| !is_part(c)).filter(|word| !word.is_empty() && !is_noise(word));
    let mut class = words.collect::<Vec<_>>().join("-");
    class.truncate(LONGEST);
    let class = class.parse();
    class.unwrap_or_else(|_empty| ANY.parse().expect("it is a class"))
}

fn is_noise(word: &str) -> bool {
    let rest_of = |prefix: &str| word.strip_prefix(prefix);
    let is_number = |rest: &str| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit());
    NOISE.contains(&word)
        || rest_of("sxm").is_some_and(|rest| rest.is_empty() || is_number(rest))
        || rest_of("hbm").is_some_and(|rest| is_number(rest.trim_end_matches('e')))
        || word.strip_suffix("gb").is_some_and(is_number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_is_what_a_model_is_known_by() {
        for (model, class) in [
            ("NVIDIA H100 80GB HBM3", "h100"),
            ("NVIDIA H100 PCIe", "h100"),
            ("NVIDIA H100 NVL", "h100"),
            ("NVIDIA H200", "h200"),
            ("NVIDIA GH200 480GB", "gh200"),
            ("NVIDIA B200", "b200"),
            ("NVIDIA A100-SXM4-40GB", "a100"),
            ("NVIDIA A100 80GB PCIe", "a100"),
            ("A100-PCIE-40GB", "a100"),
            ("NVIDIA A100-SXM4-40GB MIG 1g.5gb", "a100-1g.5gb"),
            ("NVIDIA A10G", "a10g"),
            ("NVIDIA L40S", "l40s"),
            ("Tesla T4", "t4"),
            ("Tesla V100-SXM2-16GB", "v100"),
            ("Tesla P100-PCIE-16GB", "p100"),
            ("NVIDIA GeForce RTX 4090", "rtx-4090"),
            ("NVIDIA GeForce RTX 4070 Ti SUPER", "rtx-4070-ti-super"),
            ("NVIDIA GeForce RTX 3060 Laptop GPU", "rtx-3060"),
            ("GeForce GTX 1080 Ti", "gtx-1080-ti"),
            ("NVIDIA RTX A6000", "rtx-a6000"),
            ("Quadro RTX 6000", "rtx-6000"),
            ("NVIDIA RTX 6000 Ada Generation", "rtx-6000-ada"),
            ("NVIDIA RTX PRO 6000 Blackwell Server Edition", "rtx-pro-6000-blackwell"),
            ("NVIDIA TITAN RTX", "titan-rtx"),
            ("NVIDIA Graphics Device", "graphics-device"),
            ("NVIDIA", "gpu"),
            ("ｶ/ü", "gpu"),
            ("", "gpu"),
        ] {
            assert_eq!(class_of(model).as_str(), class, "{model}");
        }
        assert_eq!(class_of(&"x".repeat(200)).as_str().len(), LONGEST);
    }
}
