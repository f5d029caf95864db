"""Where samples come from: one small class a kind, all behind `sample.Source`, listed in `kinds.KINDS`."""
