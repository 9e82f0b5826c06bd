"""Tables for people, JSON for programs."""
import json

from suite.cases import AIMS
from suite.measure import median

# heading, figure, decimals
COLUMNS = (("IOPS", "iops", 0), ("MiB/s", "mib_per_s", 0), ("p50 us", "p50_us", 0), ("p99 us", "p99_us", 0),
           ("p99.9 us", "p999_us", 0), ("CPU us", "cpu_us", 1), ("calls", "calls", 2), ("heap B", "heap_bytes", 1),
           ("worker", "deferred", 3), ("RSS MiB", "rss_mib", 0))
# A neighbour may be noticed up to this: so many times the worst alone, or so long.
NEIGHBOUR_TIMES, NEIGHBOUR_US = 3, 30_000
STARTUP_COLUMNS = (("first reply s", "first_reply_s", 3), ("RSS MiB", "rss_mib", 0))


def figure(row, name):
    """The median of the rounds."""
    return row.get("calls") if name == "calls" else median([sample.get(name) for sample in row["rounds"]])


def ratios(row, base, name):
    """Per round, of rounds in which both were measured."""
    pairs = [(a.get(name), b.get(name)) for a, b in zip(row["rounds"], base["rounds"])]
    return [a / b for a, b in pairs if a is not None and b]


def number(value, decimals):
    return "-" if value is None else f"{value:.{decimals}f}"


class Report:
    """Prints each case when it is done, and remembers it."""

    def __init__(self, markdown, details):
        self.markdown = markdown
        self.details = details
        self.cases = []

    def heading(self, text):
        print(f"\n### {text}\n" if self.markdown else f"\n{text}")

    def table(self, head, lines):
        if self.markdown:
            # without spaces: the lines of some tables would be wider than 120 columns
            print("|" + "|".join(head) + "|")
            print("|" + "|".join("---" if i == 0 else "---:" for i in range(len(head))) + "|")
            for line in lines:
                print("|" + "|".join(line) + "|")
        else:
            widths = [max(len(line[i]) for line in [head, *lines]) for i in range(len(head))]
            for line in [head, *lines]:
                cells = [line[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(line[1:], widths[1:]))]
                print("  " + "  ".join(cells).rstrip())
        print(flush=True)

    def case(self, name, title, baseline, rows):
        self.cases.append({"case": name, "title": title, "baseline": baseline, "rows": rows})
        columns = STARTUP_COLUMNS if name == "startup" else COLUMNS
        base = next((row for row in rows if row["contender"] == baseline), None)
        head = ["contender", *(heading for heading, _, _ in columns)]
        if base:
            head.append(f"IOPS / {baseline}")
        lines = []
        for row in rows:
            line = [row["contender"] + ("*" if row.get("apart") else "")]
            line += [number(figure(row, key), decimals) for _, key, decimals in columns]
            if base:
                line.append("-" if row is base or row.get("apart") else self.per_round(ratios(row, base, "iops")))
            lines.append(line)
        self.heading(f"{name}: {title}")
        self.table(head, lines)
        if any(row.get("apart") for row in rows):
            print("\\* page cache; not interleaved" if self.markdown else "  * page cache; not interleaved", flush=True)

    def neighbours(self, rows):
        """The reader's latency beside each: medians of the rounds, the worst of all, and every round's worst."""
        self.cases.append({"case": "neighbours", "title": "a reader beside others", "baseline": "nobody", "rows": rows})
        alone = max(sample["max_us"] for sample in rows[0]["rounds"])
        lines = []
        for row in rows:
            worst = max(sample["max_us"] for sample in row["rounds"])
            kept = "-" if row is rows[0] else "yes" if worst <= max(NEIGHBOUR_TIMES * alone, NEIGHBOUR_US) else "no"
            lines.append([row["contender"], *(number(figure(row, key), 0) for key in ("p50_us", "p99_us", "p999_us")),
                          number(worst, 0), number(worst / alone, 1), kept, row["title"]])
        self.heading("neighbours: 4 KiB random read, depth 1, of a volume of its own, microseconds")
        self.table(["neighbour", "p50", "p99", "p99.9", "worst", "/ alone", "bound", "what it does"], lines)

    @staticmethod
    def per_round(values):
        if not values:
            return "-"
        return f"{median(values):.2f} (" + " ".join(f"{value:.2f}" for value in values) + ")"

    def row(self, case, contender):
        for found in self.cases:
            if found["case"] == case:
                return next((row for row in found["rows"] if row["contender"] == contender), None)
        return None

    def judge(self, aim):
        """The values of an aim per round; none if it was not measured."""
        row = self.row(aim.case, aim.row)
        if row is None:
            return []
        if not aim.versus:
            return [sample[aim.figure] for sample in row["rounds"] if aim.figure in sample]
        case, _, contender = aim.versus.rpartition("/")
        base = self.row(case or aim.case, contender)
        return [] if base is None else ratios(row, base, aim.figure)

    def aims(self):
        results = []
        for aim in AIMS:
            values = self.judge(aim)
            if values:
                middle = median(values)
                met = middle <= aim.limit if aim.at_most else middle >= aim.limit
                results.append({"case": aim.case, "what": aim.words, "rounds": values, "median": middle, "limit": aim.limit,
                                "at_most": aim.at_most, "met": met})
        if results:
            self.heading("Aims")
            self.table(["case", "what", "median", "rounds", "aim", ""],
                       [[result["case"], result["what"], number(result["median"], 2),
                         " ".join(number(value, 2) for value in result["rounds"]),
                         ("<= " if result["at_most"] else ">= ") + f"{result['limit']:g}", "met" if result["met"] else "missed"]
                        for result in results])
        return results

    def write_json(self, path, aims):
        with open(path, "w", encoding="utf-8") as file:
            json.dump({**self.details, "cases": self.cases, "aims": aims}, file, indent=1)
            file.write("\n")
