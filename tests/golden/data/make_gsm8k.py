"""Writes gsm8k.jsonl, 20 problems of our own in the format of GSM8K, and gsm8k-expected.txt, what a reader must make of them (answer, meta, question).
Run here: python3 make_gsm8k.py"""
import json

# question, steps (what is written, its value), result as it stands behind ####, and as a number
PROBLEMS = [
    ("Mira plants 4 rows of 12 beans. How many beans does she plant?", [("4*12", "48")], "48", "48"),
    ("A ferry carries 120 cars in the morning and half as many in the evening. How many cars does it carry that day?",
     [("120/2", "60"), ("120+60", "180")], "180", "180"),
    ("A printer makes 250 pages an hour for 8 hours, on 4 days. How many pages is that?", [("250*8", "2000"), ("2000*4", "8000")], "8,000", "8000"),
    ("At dawn it is 3 degrees, and by night it falls by 11 degrees. How many degrees is it at night?", [("3-11", "-8")], "-8", "-8"),
    ("Three friends share a bill of $22.50 equally. How many dollars does each pay?", [("22.5/3", "7.5")], "7.50", "7.50"),
    ("A town of 1,250,000 people grows by 75,000. How many people live there then?", [("1250000+75000", "1325000")], "1,325,000", "1325000"),
    ("Ola has as many stamps as Per, who has 31. How many stamps has Ola?", [], "31", "31"),
    ("A snail’s path is 90 cm. It does 9 cm an hour. How many hours does it need?", [("90/9", "10")], "10", "10"),
    ("A shop loses $1,200 in May and wins $450 in June. What is its balance, in dollars?", [("-1200+450", "-750")], "-750", "-750"),
    ("A debt of $2,600 is doubled. What is the balance, in dollars?", [("-2600*2", "-5200")], "-5,200", "-5200"),
    ("Nine boxes hold 9 boxes of 9 pens. How many pens?", [("9*9", "81"), ("81*9", "729")], "729", "729"),
    ("How many legs have 5 cats, 2 birds and a spider?", [("5*4", "20"), ("2*2", "4"), ("20+4+8", "32")], "32", "32"),
    ("A baker says \"two dozen\" and means 26. How many more is that?", [("26-24", "2")], "2", "2"),
    ("A step of 2 is taken ten times, one after the other. How far is it?", [(f"{2 * i}+2", str(2 * i + 2)) for i in range(10)], "20", "20"),
    ("Eight halves of an apple make how many apples?", [("8/2", "4")], "4", "4"),
    ("A quarter of 3 liters is how many liters?", [("3/4", "0.75")], "0.75", "0.75"),
    ("A page #### has 40 lines of 60 letters. How many letters?", [("40*60", "2400")], "2,400", "2400"),
    ("What is left of 15 when all 15 are taken?", [("15-15", "0")], "0", "0"),
    ("Tea costs 3 €, cake 4 €. Two of each cost how many euros?", [("3+4", "7"), ("7*2", "14")], "14", "14"),
    ("A train does 80 km in an hour. How many km does it do in 3 and a half?", [("80*3", "240"), ("80/2", "40"), ("240+40", "280")], "280 ", "280"),
]

with open("gsm8k.jsonl", "w", encoding="utf-8") as lines, open("gsm8k-expected.txt", "w", encoding="utf-8") as expected:
    for question, steps, written, number in PROBLEMS:
        text = "".join(f"That is {how} = <<{how}={value}>>{value}.\n" for how, value in steps) or "The same number.\n"
        if "####" in question:
            text = "The mark #### is no result.\n" + text
        lines.write(json.dumps({"question": question, "answer": f"{text}#### {written}"}) + "\n")
        kind = f"{len(steps)}_step" + ("" if len(steps) == 1 else "s") if len(steps) < 9 else "9_steps_or_more"
        expected.write(f'{number}\t{{"kind":"{kind}"}}\t{question}\n')
