"""The form of MNIST's images, which every digit is brought into, and the words for digits."""

IMAGE_SIDE = 28
IMAGE_SHAPE = (IMAGE_SIDE, IMAGE_SIDE)
N_PIXELS = IMAGE_SIDE**2

# By the digit that they name. Null is none here: in a table it stands for a label that is missing.
DIGIT_WORDS = {
    word: digit
    for words in (
        "zero one two three four five six seven eight nine",
        "zero eins zwei drei vier fünf sechs sieben acht neun",
        "cero uno dos tres cuatro cinco seis siete ocho nueve",
        "zéro un deux trois quatre cinq six sept huit neuf",
        "zero um dois três quatro cinco seis sete oito nove",
        "zero uno due tre quattro cinque sei sette otto nove",
    )
    for digit, word in enumerate(words.split())
}
