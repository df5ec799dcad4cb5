"""A small SVG of what was sampled, one band for each figure."""
WIDTH, BAND, LEFT = 720, 90, 170
FIGURES = (("rss", "resident memory", 1 << 20, "MiB"), ("database", "database", 1 << 20, "MiB"), ("wal", "WAL", 1 << 20, "MiB"),
           ("fds", "file descriptors", 1, ""), ("waiting", "messages waiting", 1, ""))


def draw(path, title, samples):
    if len(samples) < 2:
        return
    last = samples[-1]["hour"]
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{BAND * len(FIGURES) + 40}" '
           f'font-family="sans-serif" font-size="12"><rect width="100%" height="100%" fill="white"/>',
           f'<text x="8" y="18">{title}; across: hours 0 to {last:g}</text>']
    for n, (key, name, unit, word) in enumerate(FIGURES):
        base, values = BAND * (n + 1) + 18, [s[key] / unit for s in samples]
        most = max(values) or 1
        points = " ".join(f"{LEFT + (WIDTH - LEFT - 10) * s['hour'] / last:.1f},{base - (BAND - 25) * value / most:.1f}"
                          for s, value in zip(samples, values))
        out += [f'<text x="8" y="{base - 30}">{name}</text>',
                f'<text x="8" y="{base - 14}" fill="#666">up to {most:.3g} {word}</text>',
                f'<path d="M{LEFT} {base}H{WIDTH - 10}" stroke="#ccc"/>',
                f'<polyline points="{points}" fill="none" stroke="#1565c0" stroke-width="1.5"/>']
    path.write_text("\n".join([*out, "</svg>\n"]))
