"""Tables as Markdown, to be read as they are."""


def table(rows):
    """ROWS: the first is the heading."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ["| " + " | ".join(cell.ljust(w) for cell, w in zip(row, widths)) + " |" for row in rows]
    return "\n".join([lines[0], "|" + "|".join("-" * (w + 2) for w in widths) + "|", *lines[1:]])


def by_server(title, rows):
    """ROWS: a label, and a text for each server that has one. None where there is nothing to show."""
    rows = [(label, cells) for label, cells in rows if cells]
    servers = list(dict.fromkeys(name for _, cells in rows for name in cells))
    return table([(title, *(f"`{name}`" if name != "ours" else name for name in servers)),
                  *((label, *(cells.get(name, "–") for name in servers)) for label, cells in rows)]) \
        if rows else None
