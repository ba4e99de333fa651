"""The form of MNIST's images, which every digit is brought into, and the words for digits."""

IMAGE_SIDE = 28
IMAGE_SHAPE = (IMAGE_SIDE, IMAGE_SIDE)
N_PIXELS = IMAGE_SIDE**2

# By the digit that they name, without accents; no word has two meanings. German's null is none
# here: in a table it stands for a label that is missing.
_IN_LANGUAGES = """
    zero one two three four five six seven eight nine
    cero uno dos tres cuatro cinco seis siete ocho nueve
    zero un deux trois quatre cinq six sept huit neuf
    zero eins zwei drei vier funf sechs sieben acht neun
    zero uno due tre quattro cinque sei sette otto nove
    zero um dois tres quatro cinco seis sete oito nove
    nul een twee drie vier vijf zes zeven acht negen
    nul ein zwo tre fire fuenf seks syv otte ni
    noll ett tva tre fyra fem sex sju atta nio
    zero jeden dwa trzy cztery piec szesc siedem osiem dziewiec
    sifir bir iki uc dort bes alti yedi sekiz dokuz
    ноль один два три четыре пять шесть семь восемь девять
    零 一 二 三 四 五 六 七 八 九
"""
DIGIT_WORDS = {
    word: digit for line in _IN_LANGUAGES.splitlines() for digit, word in enumerate(line.split())
}
